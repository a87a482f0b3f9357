export { encodeServerMessage, parseServerMessage } from "./server-message.ts";
export type { ServerMessage, TurnLog } from "./server-message.ts";
export { isFailure } from "./signaling.ts";
export type {
  AnswerResponse,
  CandidateRequest,
  FailureResponse,
  OfferRequest,
  SignalingErrorCode,
  SignalingRequest,
  SignalingResponse,
} from "./signaling.ts";
export type { ClientConfig, PageTexts } from "./page-config.ts";

export { encodeClientMessage, parseClientMessage } from "./client-message.ts";
export type { ClientMessage } from "./client-message.ts";
export { encodeServerMessage, parseServerMessage } from "./server-message.ts";
export type {
  ReplyProgress,
  ServerMessage,
  TurnLog,
  TurnTrace,
  UserTranscript,
} from "./server-message.ts";
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

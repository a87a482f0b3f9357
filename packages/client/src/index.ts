/** Talk to a FastRTC server from a browser. Pages start at {@link FastRTCClient}. */

export { FastRTCClient } from "./fastrtc-client.ts";
export type { FastRTCClientOptions, WebSocketOptions } from "./client-options.ts";
export type { ConnectOptions } from "./connect-options.ts";
export type { ClientEvents, ClientState, StateChange } from "./client-events.ts";
export { FastRTCClientError } from "./client-error.ts";
export type {
  FastRTCClientErrorCode,
  FastRTCClientErrorDetails,
  InputIssue,
} from "./client-error.ts";
export type { ConnectionStats } from "./connection-stats.ts";
export type { ClientInputs } from "./inputs.ts";
export { addReplyText, addTranscript } from "./spoken-text.ts";
export type { SpokenText } from "./spoken-text.ts";
export { canSelectSpeaker, listAudioDevices } from "./audio-devices.ts";
export type { AudioDevice, AudioDevices } from "./audio-devices.ts";
export { EventEmitter } from "./event-emitter.ts";
export type {
  ClientConfig,
  ReplyProgress,
  TurnLog,
  TurnTrace,
  UserTranscript,
} from "@fastrtc/protocol";

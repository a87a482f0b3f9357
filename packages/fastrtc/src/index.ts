/**
 * Everything that applications use.
 *
 * @packageDocumentation
 */

export { Stream } from "./stream.ts";
export type { LaunchOptions, MountOptions } from "./stream.ts";
export type {
  AdvancedStreamOptions,
  RtcConfiguration,
  StreamMode,
  StreamOptions,
  UiArgs,
  ValueOrFunction,
} from "./stream-options.ts";

export { bindContext, getContext, getCurrentContext } from "./session/context.ts";
export type {
  SessionContext,
  SessionContextData,
  SessionRequest,
  Turn,
  TurnTimings,
} from "./session/context.ts";
export type { InputSchema } from "./session/input-schema.ts";

export { ReplyOnPause } from "./handler/reply-on-pause.ts";
export type {
  ReplyFunction,
  ReplyOnPauseOptions,
  StartupFunction,
} from "./handler/reply-on-pause.ts";
export type { Heard } from "./handler/heard-audio.ts";
export { findStopWord, StopWordMatcher } from "./handler/stop-words.ts";
export type { StopWordMatch } from "./handler/stop-words.ts";
export { ReplyOnStopWords } from "./handler/reply-on-stop-words.ts";
export type { ReplyOnStopWordsOptions } from "./handler/reply-on-stop-words.ts";
export type { ReplyCall, ReplyControl, ReplyOutput } from "./handler/reply.ts";
export { StreamHandler, StreamHandlerBase } from "./handler/stream-handler.ts";
export type { StreamHandlerOptions } from "./handler/stream-handler.ts";
export { AdditionalOutputs } from "./handler/additional-outputs.ts";
export { CloseStream } from "./handler/close-stream.ts";
export type { HandlerOutput } from "./handler/handler-output.ts";
export type { HandlerPort, TurnMoment } from "./handler/handler-port.ts";

export type { AdaptiveSilenceOptions } from "./turn/adaptive-silence.ts";
export type { EndOfTurnCall, EndOfTurnInput, EndOfTurnModel } from "./turn/end-of-turn.ts";
export type { SileroVadOptions } from "./turn/fastrtc-vad.ts";
export { createTranscriptEndOfTurn } from "./turn/transcript-end-of-turn.ts";
export type { TranscriptEndOfTurnOptions } from "./turn/transcript-end-of-turn.ts";
export type { AlgoOptions, EndpointingOptions, TurnOptions } from "./turn/turn-options.ts";
export type {
  SpeechToText,
  TranscribeCall,
  Transcript,
  TranscriptWord,
} from "./models/speech-to-text.ts";
export { createSileroVad, warmUpSileroVad } from "./turn/silero.ts";
export { createEnergyVad } from "./turn/energy.ts";
export type { EnergyVadOptions } from "./turn/energy.ts";
export { VAD_SAMPLE_RATE, VAD_WINDOW_SAMPLES } from "./turn/voice-activity.ts";
export type { VoiceActivityDetector, VoiceActivityDetectorFactory } from "./turn/voice-activity.ts";

export { AudioFrame } from "./media/audio-frame.ts";
export type { AudioFrameInit, AudioInput, AudioInputDefaults } from "./media/audio-frame.ts";
export { audioToFloat32, audioToInt16 } from "./media/audio-samples.ts";
export { AsyncQueue } from "./media/async-queue.ts";
export type { OverflowPolicy } from "./media/bounded-queue.ts";
export type { AsyncQueueGetOptions, AsyncQueueOptions } from "./media/async-queue.ts";
export { systemClock } from "./media/clock.ts";
export type { Clock, Timer } from "./media/clock.ts";
export type { AudioEncoderOptions } from "./codec/create-codec.ts";

export type { MountTarget } from "./http/mount.ts";
export type { ListeningServer } from "./http/listen.ts";
export type { CorsOptions } from "./http/cors.ts";
export type { RequestInfo } from "./http/stream-service.ts";
export { consoleLogger, silentLogger } from "./observe/logger.ts";
export type { Logger } from "./observe/logger.ts";

export { createWeriftBackend } from "./transport/webrtc/werift.ts";
export type {
  IceServer,
  InboundRtp,
  OutboundRtp,
  RtcBackend,
  RtcPeer,
  RtcPeerListener,
  RtcPeerOptions,
  RtcPeerState,
  RtcPeerStats,
} from "./transport/webrtc/backend.ts";

export {
  AuthenticationError,
  CodecError,
  FastRTCError,
  HandlerError,
  InvalidOptionError,
  InvalidStateError,
  isFastRTCError,
  NegotiationError,
  NoContextError,
  SessionLimitError,
  TimeoutError,
  TransportError,
  WebRTCError,
} from "./errors.ts";
export type {
  FastRTCErrorCode,
  FastRTCErrorOptions,
  InputIssue,
  NegotiationErrorOptions,
  NegotiationErrorReason,
} from "./errors.ts";

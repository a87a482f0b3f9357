/**
 * Everything that applications use.
 *
 * @packageDocumentation
 */

export { Stream } from "./stream.ts";
export type { AnyStream, LaunchOptions, MountOptions, StreamContext } from "./stream.ts";
export type {
  AdvancedStreamOptions,
  OpenAiRealtimeOptions,
  RtcConfiguration,
  StreamMode,
  StreamOptions,
  UiArgs,
  ValueOrFunction,
} from "./stream-options.ts";

export { bindContext, getContext, getCurrentContext } from "./session/context/context.ts";
export type {
  ContextTypes,
  ContextValue,
  SessionContext,
  SessionContextData,
  SessionRequest,
  SessionTypes,
  TelephoneCall,
  Turn,
  TurnTimings,
} from "./session/context/session-context.ts";
export { runInWorker } from "./session/worker/run-in-worker.ts";
export type { RunInWorkerOptions } from "./session/worker/run-in-worker.ts";
export type { ClientInfo, DeviceType, NamedVersion } from "./session/context/client-info.ts";
export type {
  Authenticate,
  AuthenticateCall,
  Refusable,
} from "./session/admission/authenticator.ts";
export { SessionHandle } from "./session/routing/session-handle.ts";
export type { SessionStore, StoreBackend } from "./session/store/store.ts";
export type {
  Backplane,
  BackplaneListener,
  BackplaneNode,
  ClaimOutcome,
  SessionClaim,
  SessionRecord,
} from "./session/backplane/backplane.ts";
export { MemoryBackplane } from "./session/backplane/memory-backplane.ts";
export type { MemoryBackplaneOptions } from "./session/backplane/memory-backplane.ts";
export { BackplaneHub } from "./session/backplane/backplane-hub.ts";
export type { BackplaneHubOptions, HubMember } from "./session/backplane/backplane-hub.ts";
export { createClusterBackplane } from "./cluster/cluster-backplane.ts";
export type { ClusterBackplaneOptions } from "./cluster/cluster-backplane.ts";
export { serveClusterBackplane } from "./cluster/cluster-primary.ts";
export type { ClusterBackplaneService } from "./cluster/cluster-primary.ts";
export { MemoryStore } from "./session/store/memory-store.ts";
export type { MemoryStoreOptions } from "./session/store/memory-store.ts";
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
export type {
  HandlerPort,
  ReplyProgress,
  TurnMoment,
  UserTranscript,
} from "./handler/handler-port.ts";
export type { TurnControl, TurnPolicy } from "./handler/turn-control.ts";

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
export type { PartialTranscript, SpeechToTextModel } from "./models/speech-to-text.ts";
export type { SpeechCall, TextToSpeech, TextToSpeechModel } from "./models/text-to-speech.ts";
export { createTextToSpeech } from "./models/create-text-to-speech.ts";
export type { TextToSpeechInit } from "./models/create-text-to-speech.ts";
export { getSttModel, getTtsModel } from "./models/model-registry.ts";
export type { SttModels, TtsModels } from "./models/model-registry.ts";
export { SentenceSplitter, splitSentences } from "./models/sentence-splitter.ts";
export type { SentenceSplitterOptions } from "./models/sentence-splitter.ts";
export { speak } from "./models/speak.ts";
export type { SpeakOptions } from "./models/speak.ts";
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
export type { TrustProxy } from "./http/trusted-proxy.ts";
export type { RequestInfo } from "./http/stream-service.ts";
export { consoleLogger, silentLogger } from "./observe/logger.ts";
export type { Logger } from "./observe/logger.ts";

export { twilio } from "./transport/telephone/twilio.ts";
export type { TwilioOptions } from "./transport/telephone/twilio.ts";
export { telnyx } from "./transport/telephone/telnyx.ts";
export type { TelnyxOptions } from "./transport/telephone/telnyx.ts";
export type { TelnyxCodec } from "./transport/telephone/telnyx-wire.ts";
export type {
  IncomingCall,
  TelephoneOption,
  TelephoneOptions,
} from "./session/entry/telephone-options.ts";
export type {
  AnnouncedCall,
  Carrier,
  CarrierCall,
  CarrierEvent,
  CarrierRoutes,
  CarrierWire,
} from "./transport/telephone/carrier.ts";
export { plivo } from "./transport/telephone/plivo.ts";
export type { PlivoContentType, PlivoOptions } from "./transport/telephone/plivo.ts";
export { vonage } from "./transport/telephone/vonage.ts";
export type { VonageOptions, VonageSampleRate } from "./transport/telephone/vonage.ts";
export { asteriskWebSocket } from "./transport/telephone/asterisk-websocket.ts";
export type { AsteriskWebSocketOptions } from "./transport/telephone/asterisk-websocket.ts";
export type {
  AudioSocketCallDetails,
  AudioSocketCaller,
  AudioSocketOptions,
  AudioSocketServer,
} from "./session/entry/audiosocket-server.ts";
export { getRealtimeSession } from "./session/entry/realtime/realtime-session.ts";
export type { RealtimeSession } from "./session/entry/realtime/realtime-session.ts";
export type {
  RealtimeFunctionCall,
  RealtimeFunctionOutput,
  RealtimeItem,
  RealtimeItemStatus,
  RealtimeMessage,
} from "./transport/realtime/realtime-item.ts";
export type { RealtimeSettings, RealtimeTool } from "./transport/realtime/session-settings.ts";
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
  ModelError,
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
  ModelErrorOptions,
  NegotiationErrorOptions,
  NegotiationErrorReason,
} from "./errors.ts";

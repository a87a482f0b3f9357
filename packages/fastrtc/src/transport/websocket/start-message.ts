import { NegotiationError } from "../../errors.ts";
import type { InputIssue } from "../../errors.ts";
import type { AudioCodec, AudioFormat } from "../../media/encoded-chunk.ts";
import { isSessionId, MAX_SESSION_ID_LENGTH } from "../session-id.ts";

/** How a WebSocket carries audio. */
export interface WebSocketAudio {
  /** How the client's audio comes; undefined when none comes. */
  readonly inputFormat: AudioFormat | undefined;
  /** How the client's audio must be sent; undefined when none may be. */
  readonly outputFormat: AudioFormat | undefined;
  /** Whether audio goes in binary messages, not as base64 in JSON. */
  readonly binary: boolean;
}

/** What the stream's handler takes and gives. */
export interface WebSocketAudioDefaults {
  /** Hz; undefined when the handler hears nothing. */
  readonly inputSampleRate: number | undefined;
  /** Hz; undefined when the handler says nothing. */
  readonly outputSampleRate: number | undefined;
}

/** A client's first message. */
export interface StartMessage {
  readonly webrtcId: string;
  readonly params: unknown;
  readonly sessionToken: string | undefined;
  readonly audio: WebSocketAudio;
  /** Whether the client knows more than FastRTC's protocol, and so reads `started`. */
  readonly wantsAnswer: boolean;
}

const MAX_TOKEN_LENGTH = 1_024;
const MAX_SAMPLE_RATE = 48_000;
const MIN_SAMPLE_RATE = 8_000;
/** Frames have 20 ms. */
const FRAMES_PER_SECOND = 50;
const OPUS_SAMPLE_RATE = 48_000;

/**
 * Reads `start`.
 *
 * @param message - The JSON object that the client sent.
 * @param defaults - What holds for what the client does not choose, as it does with FastRTC:
 * mu-law at the handler's own rates.
 * @throws {@link NegotiationError} with reason `invalid_request` that says what is wrong.
 */
export function parseStartMessage(
  message: Readonly<Record<string, unknown>>,
  defaults: WebSocketAudioDefaults,
): StartMessage {
  const { websocket_id: websocketId, webrtc_id: id = websocketId } = message;
  const { params, session_token: token, audio } = message;
  return {
    webrtcId: parseId(id),
    params,
    sessionToken: parseToken(token),
    audio: parseAudio(audio, defaults),
    wantsAnswer: audio !== undefined || token !== undefined || params !== undefined,
  };
}

/** Writes the answer to a `start` that asks for more than FastRTC's protocol has. */
export function encodeStarted(
  { inputFormat, outputFormat, binary }: WebSocketAudio,
  sessionToken: string,
  resumed: boolean,
): string {
  const codec = (inputFormat ?? outputFormat)?.codec;
  return JSON.stringify({
    event: "started",
    audio: {
      codec,
      binary,
      ...(inputFormat ? { inputSampleRate: inputFormat.sampleRate } : {}),
      ...(outputFormat ? { outputSampleRate: outputFormat.sampleRate } : {}),
    },
    session_token: sessionToken,
    resumed,
  });
}

function parseId(id: unknown): string {
  if (isSessionId(id)) return id;
  throw invalid(
    "websocket_id",
    `must be a string of 1 to ${MAX_SESSION_ID_LENGTH} printable characters.`,
  );
}

function parseToken(token: unknown): string | undefined {
  if (token === undefined || token === null) return undefined;
  if (typeof token === "string" && token.length <= MAX_TOKEN_LENGTH) return token;
  throw invalid("session_token", "must be the token of an earlier answer.");
}

function parseAudio(audio: unknown, defaults: WebSocketAudioDefaults): WebSocketAudio {
  if (typeof audio !== "object" || Array.isArray(audio)) {
    if (audio !== undefined) throw invalid("audio", "must be an object.");
  }
  const { codec = "mulaw", sampleRate, binary = false } = (audio ?? {}) as Record<string, unknown>;
  if (!isCodec(codec)) throw invalid("audio.codec", 'must be "opus", "pcm16" or "mulaw".');
  if (typeof binary !== "boolean") throw invalid("audio.binary", "must be true or false.");
  if (sampleRate !== undefined && !isSampleRate(sampleRate)) {
    throw invalid(
      "audio.sampleRate",
      `must be from ${MIN_SAMPLE_RATE} to ${MAX_SAMPLE_RATE} Hz, and a multiple of ${FRAMES_PER_SECOND}.`,
    );
  }
  const format = (ownRate: number | undefined): AudioFormat | undefined => {
    if (ownRate === undefined) return undefined;
    // An Opus packet says itself what it holds; its clock has one rate.
    const rate = codec === "opus" ? OPUS_SAMPLE_RATE : (sampleRate ?? ownRate);
    return { codec, sampleRate: rate, channels: 1 };
  };
  return {
    inputFormat: format(defaults.inputSampleRate),
    outputFormat: format(defaults.outputSampleRate),
    binary,
  };
}

function isCodec(value: unknown): value is AudioCodec {
  return value === "opus" || value === "pcm16" || value === "mulaw";
}

function isSampleRate(value: unknown): value is number {
  return (
    typeof value === "number" &&
    value >= MIN_SAMPLE_RATE &&
    value <= MAX_SAMPLE_RATE &&
    value % FRAMES_PER_SECOND === 0
  );
}

function invalid(path: string, message: string): NegotiationError {
  const issues: readonly InputIssue[] = [{ path, message }];
  return new NegotiationError(`"${path}" ${message}`, { reason: "invalid_request", issues });
}

import { ReplyOnPause } from "../src/handler/reply-on-pause.ts";
import type { ReplyFunction, ReplyOnPauseOptions } from "../src/handler/reply-on-pause.ts";
import type { StreamHandlerBase } from "../src/handler/stream-handler.ts";
import { AudioFrame } from "../src/media/audio-frame.ts";
import { silentLogger } from "../src/observe/logger.ts";
import { Session } from "../src/session/session.ts";
import { ManualClock } from "../src/testing/manual-clock.ts";
import { MemoryTransport } from "../src/testing/memory-transport.ts";
import { sessionSelf } from "../src/testing/session-self.ts";
import type { VoiceActivityDetector } from "../src/turn/voice-activity.ts";

/** Hz, everywhere in these tests. */
export const RATE = 16_000;

/** Takes whatever is loud for speech: the audio itself is the script. */
export const loudness = (): VoiceActivityDetector => ({
  process: (window) => (window.some((sample) => Math.abs(sample) > 0.25) ? 0.9 : 0.05),
  reset: () => undefined,
});

/** Loud samples. */
export const speech = (durationMs: number): Int16Array =>
  new Int16Array((durationMs * RATE) / 1000).fill(16_000);
/** Silent samples. */
export const silence = (durationMs: number): Int16Array =>
  new Int16Array((durationMs * RATE) / 1000);
/** A frame whose every sample is `level`, so that what is heard can be told apart. */
export const tone = (durationMs: number, level = 5000): AudioFrame =>
  AudioFrame.from([RATE, new Int16Array((durationMs * RATE) / 1000).fill(level)]);

/** A caller in a session without a network, in virtual time. */
export interface Call {
  readonly clock: ManualClock;
  readonly transport: MemoryTransport;
  readonly session: Session;
  /** Lets the caller speak in real time, 20 ms after 20 ms. */
  say(samples: Int16Array): Promise<void>;
  /** A sentence and the pause after it. */
  takeTurn(): Promise<void>;
  readonly heardLevels: () => number[];
}

/** Opens a session of a handler that came through no door, and connects it. */
export function openSession(
  handler: StreamHandlerBase,
  transport: MemoryTransport,
  clock: ManualClock,
  id = "caller",
): Session {
  const session = new Session({
    self: sessionSelf(id),
    transport,
    handler,
    initialInputs: [],
    onOutputs: undefined,
    onTurn: undefined,
    onDtmf: undefined,
    timeLimit: Infinity,
    encoder: {},
    clock,
    logger: silentLogger,
    onClosed: () => undefined,
  });
  session.open();
  transport.connect();
  return session;
}

/** Connects a caller to a session of the handler. */
export function call(handler: StreamHandlerBase, id = "caller"): Call {
  const clock = new ManualClock();
  const transport = new MemoryTransport({ sampleRate: RATE });
  const session = openSession(handler, transport, clock, id);
  const say = async (samples: Int16Array): Promise<void> => {
    for (let at = 0; at < samples.length; at += RATE / 50) {
      transport.speak(samples.subarray(at, at + RATE / 50));
      await clock.advanceAsync(20);
    }
  };
  return {
    clock,
    transport,
    session,
    say,
    takeTurn: async () => {
      await say(speech(600));
      await say(silence(700));
    },
    heardLevels: () => [...new Set(transport.heard)].filter((level) => level !== 0),
  };
}

export /** Options that keep a handler at {@link RATE}. */
const RATES = { inputSampleRate: RATE, outputSampleRate: RATE } as const;
/** A handler that answers each turn, and takes loudness for speech. */
export const replying = (reply: ReplyFunction, options: ReplyOnPauseOptions = {}): ReplyOnPause =>
  new ReplyOnPause(reply, { ...RATES, model: loudness, ...options });

/** What the client was told, in order: the type of each message, or the text of a log. */
export const kinds = ({ transport }: Call): string[] =>
  transport.messages.map((message) => (message.type === "log" ? message.data : message.type));

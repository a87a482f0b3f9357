/** The options of a {@link Stream}, checked at the door. */

import type { TurnTrace } from "@fastrtc/protocol";

import type { AudioEncoderOptions } from "./codec/create-codec.ts";
import { InvalidOptionError } from "./errors.ts";
import { GeneratorHandler } from "./handler/generator-handler.ts";
import type { StartupFunction } from "./handler/reply-on-pause.ts";
import { StreamHandlerBase } from "./handler/stream-handler.ts";
import type { CorsOptions } from "./http/cors.ts";
import type { Clock } from "./media/clock.ts";
import type { Logger } from "./observe/logger.ts";
import type { RoutePath } from "./http/route-path.ts";
import type { TrustProxy } from "./http/trusted-proxy.ts";
import type { Authenticate } from "./session/admission/authenticator.ts";
import type { Backplane } from "./session/backplane/backplane.ts";
import type { InputSchema } from "./session/input-schema.ts";
import type { StoreBackend } from "./session/store/store.ts";
import type { TelephoneOption } from "./session/entry/telephone-options.ts";
import type { IceServer, RtcBackend } from "./transport/webrtc/backend.ts";

/** Which way media flows, as the client sees it. */
export type StreamMode = "send-receive" | "send" | "receive";

/** The browser's `RTCPeerConnection` configuration (W3C `RTCConfiguration`), as plain data. */
export interface RtcConfiguration {
  readonly iceServers?: readonly IceServer[];
  readonly iceTransportPolicy?: "all" | "relay";
}

/** A value, or a function that is asked each time: for credentials that expire. */
export type ValueOrFunction<T> = T | (() => T | Promise<T>);

/** How the built-in page looks. */
export interface UiArgs {
  /** @defaultValue "fastrtc" */
  readonly title?: string;
  /** @defaultValue "Press start and speak." */
  readonly subtitle?: string;
}

/** How clients of the OpenAI Realtime API are served. */
export interface OpenAiRealtimeOptions {
  /** Where, below the mount path. @defaultValue "/v1/realtime" */
  readonly path?: RoutePath;
  /** What the server calls its model. @defaultValue "fastrtc" */
  readonly model?: string;
}

/** What FastRTC does not have, and most applications leave alone. */
export interface AdvancedStreamOptions {
  /**
   * First and last UDP port for media. For servers whose firewall opens a range.
   *
   * @defaultValue any port that the system gives
   */
  readonly portRange?: readonly [number, number];
  /** Bit rate, complexity and the like of the audio that is sent. */
  readonly encoder?: AudioEncoderOptions;
  /**
   * The WebRTC stack.
   *
   * @defaultValue werift
   */
  readonly backend?: RtcBackend;
  /** Where time comes from. @defaultValue the system's monotonic clock */
  readonly clock?: Clock;
}

/**
 * Options of a {@link Stream}.
 *
 * @typeParam User - What `authenticate` returns.
 * @typeParam Params - What the `params` schema makes of a client's parameters.
 * @typeParam State - What `state` makes.
 * @typeParam Inputs - What the `additionalInputs` schema makes of a client's inputs.
 */
export interface StreamOptions<
  User = unknown,
  Params = unknown,
  State = Record<string, unknown>,
  Inputs = unknown,
> {
  /**
   * Answers the callers: each session gets a copy. With `mode: "receive"` a generator function will
   * do.
   */
  readonly handler: StreamHandlerBase | StartupFunction;
  /** What is carried. Audio is what this version carries. */
  readonly modality: "audio";
  /**
   * Which way media flows, as the client sees it.
   *
   * @defaultValue "send-receive"
   */
  readonly mode?: StreamMode;
  /**
   * How many sessions may live at the same time, in all processes together; further ones are told
   * to come back later.
   *
   * @defaultValue no limit
   */
  readonly concurrencyLimit?: number | null;
  /**
   * Seconds after which a session ends, counted from its connection.
   *
   * @defaultValue no limit
   */
  readonly timeLimit?: number | null;
  /**
   * What browsers are told to connect with, such as TURN servers.
   *
   * @defaultValue the browser's own
   */
  readonly rtcConfiguration?: ValueOrFunction<RtcConfiguration | null>;
  /**
   * What the server itself connects with. STUN is needed only behind a NAT without a forwarded port,
   * and makes answers slower.
   *
   * @defaultValue no servers
   */
  readonly serverRtcConfiguration?: ValueOrFunction<RtcConfiguration | null>;
  /**
   * What browsers ask of their microphone (W3C `MediaTrackConstraints`).
   *
   * @defaultValue one channel, with echo cancellation, noise suppression and gain control
   */
  readonly trackConstraints?: Readonly<Record<string, unknown>>;
  /** What users can set while they talk. The built-in page draws a form from it. */
  readonly additionalInputs?: InputSchema<Inputs>;
  /**
   * Tells who makes a request: asked before anything is allocated, for every session that is to
   * begin, and for inputs and outputs. What it returns is `context.user`; undefined, null or false
   * refuses with 401. With it, clients must also present the token of the session that they touch.
   *
   * @defaultValue everybody may come in
   */
  readonly authenticate?: Authenticate<User>;
  /**
   * What a client must say when it begins a session, such as a language or a tenant: validated from
   * its `params`, defaults applied. The built-in page asks for it. Typed in the context.
   *
   * @defaultValue anything is taken, unchecked and untyped
   */
  readonly params?: InputSchema<Params>;
  /**
   * Makes the mutable state of a new session, `context.state`.
   *
   * @defaultValue an empty object
   */
  readonly state?: () => State;
  /**
   * Keeps `context.store`.
   *
   * @defaultValue that of the backplane: in memory, bounded
   */
  readonly store?: StoreBackend;
  /**
   * Seconds in which a client that was lost may come back to its session: its state, inputs and
   * store. Longer bears with tunnels and lifts, and keeps the state of those who left for good.
   *
   * @defaultValue 60; 0 for never
   */
  readonly resumeSeconds?: number;
  /**
   * Joins the processes that serve this stream; see `fastrtc/redis`.
   *
   * @defaultValue under `fastrtc start --workers` the workers of this machine, else this process only
   */
  readonly backplane?: Backplane;
  /**
   * Names the stream among those that share a backplane or a store.
   *
   * @defaultValue "stream"
   */
  readonly name?: string;
  /**
   * Which reverse proxies are believed when they tell the client's address and our own: how many
   * there are, or their addresses.
   *
   * @defaultValue none: the address is the socket's
   */
  readonly trustProxy?: TrustProxy;
  /**
   * Takes calls of a carrier, or of several: `twilio({ … })`, `telnyx`, `vonage`, `plivo`,
   * `asteriskWebSocket`.
   *
   * @defaultValue no telephone
   */
  readonly telephone?: TelephoneOption;
  /**
   * Serves clients of the OpenAI Realtime API as well; true for `/v1/realtime` below the mount path.
   *
   * @defaultValue they are not served
   */
  readonly openaiRealtime?: true | OpenAiRealtimeOptions;
  /** Called with each key that a caller presses on a telephone, in the session's context. */
  readonly onDtmf?: (digit: string) => void | Promise<void>;
  /** Called with the arguments of each `AdditionalOutputs`, in the session's context. */
  readonly additionalOutputsHandler?: (...args: readonly unknown[]) => void | Promise<void>;
  /**
   * Called when a turn is over, and when more becomes known of it, with the moments of its steps; in the
   * session's context.
   */
  readonly onTurn?: (trace: TurnTrace) => void | Promise<void>;
  /** How the built-in page looks. */
  readonly uiArgs?: UiArgs;
  /**
   * Which other origins may call the routes from a browser.
   *
   * @defaultValue none
   */
  readonly cors?: CorsOptions;
  /**
   * Where log lines go.
   *
   * @defaultValue warnings and errors to the console
   */
  readonly logger?: Logger;
  /** What most applications leave alone. */
  readonly advanced?: AdvancedStreamOptions;
}

/** Options of a stream whose types do not matter. */
export type AnyStreamOptions = StreamOptions<unknown, unknown, unknown>;

/** {@link StreamOptions} after the check. */
export interface CheckedStreamOptions {
  readonly handler: StreamHandlerBase;
  readonly mode: StreamMode;
  readonly concurrencyLimit: number;
  readonly timeLimit: number;
  readonly resumeMs: number;
  readonly name: string;
}

/** How long a lost client may come back, in seconds, where nothing is said. */
const RESUME_SECONDS = 60;

const MODES: readonly unknown[] = ["send-receive", "send", "receive"];
const LOCAL_NAMES = new Set<string>([
  "handler",
  "modality",
  "mode",
  "concurrencyLimit",
  "timeLimit",
  "rtcConfiguration",
  "serverRtcConfiguration",
  "trackConstraints",
  "additionalInputs",
  "additionalOutputsHandler",
  "onTurn",
  "onDtmf",
  "telephone",
  "openaiRealtime",
  "authenticate",
  "params",
  "state",
  "store",
  "resumeSeconds",
  "backplane",
  "name",
  "trustProxy",
  "uiArgs",
  "cors",
  "logger",
  "advanced",
]);

/**
 * Checks what can be checked before anybody connects.
 *
 * @throws {@link InvalidOptionError} that names the option, the value and the remedy.
 */
export function checkStreamOptions(options: AnyStreamOptions): CheckedStreamOptions {
  if (typeof options !== "object" || (options as unknown) === null) {
    throw new InvalidOptionError("options", options, "Give an object with handler and modality.");
  }
  for (const name of Object.keys(options)) {
    if (!LOCAL_NAMES.has(name)) {
      throw new InvalidOptionError(
        name,
        (options as unknown as Record<string, unknown>)[name],
        `There is no such option. The options are ${[...LOCAL_NAMES].join(", ")}.`,
      );
    }
  }
  if ((options.modality as unknown) !== "audio") {
    throw new InvalidOptionError("modality", options.modality, 'Use "audio".');
  }
  const mode = options.mode ?? "send-receive";
  if (!MODES.includes(mode)) {
    throw new InvalidOptionError("mode", mode, 'Use "send-receive", "send" or "receive".');
  }
  checkPortRange(options.advanced?.portRange);
  checkFunction("authenticate", options.authenticate);
  checkFunction("state", options.state);
  return {
    handler: checkHandler(options.handler, mode),
    mode,
    concurrencyLimit: checkLimit("concurrencyLimit", options.concurrencyLimit, true),
    timeLimit: checkLimit("timeLimit", options.timeLimit, false),
    resumeMs: checkSeconds("resumeSeconds", options.resumeSeconds ?? RESUME_SECONDS) * 1000,
    name: checkName(options.name ?? "stream"),
  };
}

// A misspelled or forgotten function must not leave the door open.
function checkFunction(option: string, value: unknown): void {
  if (value === undefined || typeof value === "function") return;
  throw new InvalidOptionError(option, value, "Give a function, or leave it out.");
}

function checkSeconds(option: string, value: number): number {
  if (Number.isFinite(value) && value >= 0) return value;
  throw new InvalidOptionError(option, value, "Give a number of seconds, 0 for never.");
}

function checkName(name: string): string {
  if (typeof name === "string" && /^[\w.-]{1,64}$/.test(name)) return name;
  throw new InvalidOptionError(
    "name",
    name,
    "Give 1 to 64 letters, digits, dots, dashes or underscores.",
  );
}

function checkHandler(handler: unknown, mode: StreamMode): StreamHandlerBase {
  if (handler instanceof StreamHandlerBase) return handler;
  if (typeof handler === "function" && mode === "receive") {
    return new GeneratorHandler(handler as StartupFunction);
  }
  throw new InvalidOptionError(
    "handler",
    handler,
    typeof handler === "function"
      ? `With mode "${mode}" wrap the function: new ReplyOnPause(${handler.name || "answer"}).`
      : "Give a ReplyOnPause or another StreamHandler.",
  );
}

function checkLimit(option: string, value: number | null | undefined, isWhole: boolean): number {
  if (value === undefined || value === null) return Infinity;
  if (
    typeof value !== "number" ||
    !(value > 0) ||
    (isWhole && value % 1 !== 0 && value !== Infinity)
  ) {
    throw new InvalidOptionError(
      option,
      value,
      `Give a ${isWhole ? "whole number" : "number of seconds"} above 0, or leave it out for no limit.`,
    );
  }
  return value;
}

function checkPortRange(range: readonly [number, number] | undefined): void {
  if (range === undefined) return;
  const [first, last] = range;
  const isPort = (port: number): boolean => Number.isInteger(port) && port > 0 && port < 65_536;
  if (!isPort(first) || !isPort(last) || first > last) {
    throw new InvalidOptionError(
      "advanced.portRange",
      range,
      "Give the first and the last UDP port, such as [50000, 50999].",
    );
  }
}

/** Reads a value, or asks for it. */
export async function valueOf<T>(value: ValueOrFunction<T> | undefined): Promise<T | undefined> {
  return typeof value === "function" ? await (value as () => T | Promise<T>)() : value;
}

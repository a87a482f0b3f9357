/**
 * A whole conversation in memory and in virtual time: the handler is real, with its detector, its
 * session and its pacing; network, microphone and ear are not. A minute takes a fraction of a second,
 * and is the same each time.
 *
 * In come a handler and a script of what its caller does; out comes everything that happened. Called
 * by tests.
 */

import { encodeClientMessage } from "@fastrtc/protocol";
import type { ServerMessage } from "@fastrtc/protocol";

import type { StreamHandlerBase } from "../handler/stream-handler.ts";
import type { Timer } from "../media/clock.ts";
import { silentLogger } from "../observe/logger.ts";
import type { Logger } from "../observe/logger.ts";
import { clientInfo } from "../session/context/client-info.ts";
import { Session } from "../session/session.ts";
import { Caller } from "./caller.ts";
import { ConversationError } from "./conversation-error.ts";
import { ConversationLog } from "./conversation-log.ts";
import type { ConversationEvent } from "./conversation-log.ts";
import { Conversation } from "./conversation.ts";
import { Ear } from "./ear.ts";
import { MemoryTransport } from "./memory-transport.ts";
import { Microphone } from "./microphone.ts";
import { sessionSelf } from "./session-self.ts";
import { VirtualTime } from "./virtual-time.ts";
import { installVirtualTimers } from "./virtual-timers.ts";

/** What a caller does, step by step. */
export type ConversationScript = (caller: Caller) => void | Promise<void>;

/**
 * Adds events of its own to the timeline: gets a function that notes one, and may return another that
 * is called at the end.
 */
export type ConversationSource = (
  note: (what: string, detail?: unknown) => void,
) => (() => void) | undefined;

/** How a conversation is simulated. */
export interface SimulationOptions {
  /** The session's name. @defaultValue "caller" */
  readonly webrtcId?: string;
  /** The session's inputs before the script sets any. @defaultValue `[]` */
  readonly inputs?: unknown;
  /** The URL of the request that opened the session. @defaultValue "http://localhost/" */
  readonly url?: string;
  /** Headers of that request. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Who the caller is: `context.user`. */
  readonly user?: unknown;
  /** The session's parameters, as a schema would have left them: `context.params`. */
  readonly params?: unknown;
  /** The session's state when it begins: `context.state`. @defaultValue an empty object */
  readonly state?: unknown;
  /** Seconds after which the session ends. @defaultValue Infinity */
  readonly timeLimit?: number;
  /** Noise at the caller's, in dB relative to full scale, at most 0. @defaultValue none */
  readonly noiseDb?: number;
  /** How long the caller waits for a reply before the simulation fails, in ms. @defaultValue 30000 */
  readonly patienceMs?: number;
  /** Further sources of events. */
  readonly sources?: readonly ConversationSource[];
}

const DEFAULT_PATIENCE_MS = 30_000;
/** Time after the call in which handlers clean up. */
const AFTERMATH_MS = 1000;
const EAR_CHECK_MS = 20;
/** Real time for which a script may do other things than what takes virtual time. */
const SCRIPT_PATIENCE_MS = 5000;

/**
 * Lets a scripted caller talk to a handler.
 *
 * Time is virtual: it stands still while anything runs, and `setTimeout`, `Date.now` and the like are
 * virtual in the handler's code too. Real work, such as reading a file, takes no time at all if
 * {@link holdTime} knows of it.
 *
 * @param handler - As given to `Stream`; the session gets a copy.
 * @param script - What the caller does. When it has ended, the caller hangs up.
 * @throws whatever the script throws, and {@link ConversationError} when what it waits for does not come.
 * @example
 * ```ts
 * const conversation = await simulate(new ReplyOnPause(answer), async (caller) => {
 *   await caller.says("What is the weather like?");
 *   await caller.bargesInAfter(400, "no, tomorrow");
 *   await caller.hearsReply();
 * });
 * conversation.expect("reply-started").within(800, "ms").after("speech-ended");
 * ```
 */
export async function simulate(
  handler: StreamHandlerBase,
  script: ConversationScript,
  options: SimulationOptions = {},
): Promise<Conversation> {
  const restoreTimers = installVirtualTimers();
  try {
    return await new Simulation(handler, options).run(script, options.sources ?? []);
  } finally {
    restoreTimers();
  }
}

class Simulation {
  readonly #time = new VirtualTime();
  readonly #log = new ConversationLog();
  readonly #errors: unknown[] = [];
  readonly #outputs: (readonly unknown[])[] = [];
  readonly #transport: MemoryTransport;
  readonly #session: Session;
  readonly #ear: Ear;
  readonly #microphone: Microphone;
  readonly #caller: Caller;
  #checkTimer: Timer | undefined;

  constructor(handler: StreamHandlerBase, options: SimulationOptions) {
    const { clock } = this.#time;
    const { inputSampleRate, outputSampleRate } = handler;
    this.#transport = new MemoryTransport({
      sampleRate: inputSampleRate,
      outputSampleRate,
      onAudio: (chunk) => this.#ear.hear(chunk),
      onMessage: (message) => this.#onMessage(message),
    });
    // The server is told what was heard, as our client tells it.
    this.#ear = new Ear(this.#log, outputSampleRate, clock, () =>
      this.#transport.sendText(encodeClientMessage({ type: "audible" })),
    );
    this.#session = this.#time.runSession(() => this.#createSession(handler, options));
    this.#microphone = new Microphone({
      clock,
      transport: this.#transport,
      sampleRate: inputSampleRate,
      noiseDb: options.noiseDb,
    });
    this.#caller = new Caller({
      time: this.#time,
      log: this.#log,
      ear: this.#ear,
      microphone: this.#microphone,
      sampleRate: inputSampleRate,
      patienceMs: options.patienceMs ?? DEFAULT_PATIENCE_MS,
      isConnected: () => !this.#transport.isClosed,
      sendText: (text) => this.#transport.sendText(text),
      setInputs: (value) => this.#session.inputs.set(value),
      hangUp: () => this.#transport.disconnect("remote"),
    });
  }

  async run(
    script: ConversationScript,
    sources: readonly ConversationSource[],
  ): Promise<Conversation> {
    const closers = sources.map((source) =>
      source((what, detail) => this.#note("server", what, detail)),
    );
    try {
      this.#time.runSession(() => {
        this.#session.open();
        this.#transport.connect();
      });
      this.#checkEar();
      await this.#play(async () => {
        await script(this.#caller);
        await this.#caller.hangsUp();
      });
    } finally {
      await this.#end();
      for (const close of closers) close?.();
    }
    const { events } = this.#log;
    return new Conversation({
      events,
      heard: this.#ear.heard,
      messages: this.#transport.messages,
      outputs: this.#outputs,
      replies: this.#ear.replies,
      errors: this.#errors,
      durationMs: events.at(-1)?.at ?? 0,
      timersLeft: this.#time.pendingTimers,
    });
  }

  /** Lets time pass until a part of the script is over. */
  async #play(part: () => Promise<void>): Promise<void> {
    const time = this.#time;
    const state = { isOver: false };
    const played = time.runScript(part).finally(() => (state.isOver = true));
    // It is awaited below, after time has passed; until then a failure is not unhandled.
    played.catch(() => undefined);
    let idleSince = performance.now();
    for (;;) {
      await time.settle();
      if (state.isOver) break;
      if (time.isHeld) {
        await realTurn();
      } else if (time.isAwaited) {
        time.runSession(() => time.leap());
        idleSince = performance.now();
      } else if (performance.now() - idleSince > SCRIPT_PATIENCE_MS) {
        throw new ConversationError(
          "The script waits for something that takes no virtual time. Wait with the caller's methods, or with sleep().",
          this.#log.events,
        );
      } else {
        await realTurn();
      }
    }
    await played;
  }

  async #end(): Promise<void> {
    this.#microphone.close();
    this.#time.runSession(() => this.#transport.disconnect("remote"));
    await this.#play(() => this.#caller.pauses(AFTERMATH_MS));
    this.#checkTimer?.cancel();
  }

  #createSession(handler: StreamHandlerBase, options: SimulationOptions): Session {
    const headers = new Headers(options.headers);
    return new Session({
      self: sessionSelf(options.webrtcId ?? "caller", {
        client: clientInfo(headers, undefined),
        request: {
          method: "POST",
          url: options.url ?? "http://localhost/webrtc/offer",
          headers,
          remoteAddress: undefined,
        },
        user: options.user,
        params: options.params,
        ...(options.state === undefined ? {} : { state: options.state }),
      }),
      transport: this.#transport,
      handler,
      initialInputs: options.inputs ?? [],
      onOutputs: (...args) => {
        this.#outputs.push(args);
      },
      onTurn: undefined,
      onDtmf: undefined,
      timeLimit: options.timeLimit ?? Infinity,
      encoder: {},
      clock: this.#time.clock,
      logger: this.#logger(),
      onClosed: (reason) => {
        this.#ear.close();
        this.#note("server", "session-ended", reason);
      },
    });
  }

  #checkEar(): void {
    this.#checkTimer = this.#time.clock.setTimeout(() => {
      this.#ear.check();
      this.#checkEar();
    }, EAR_CHECK_MS);
  }

  #onMessage(message: ServerMessage): void {
    this.#ear.read(message);
    switch (message.type) {
      case "log":
        // The echo of a client's text says nothing new.
        if (!message.data.includes(" ")) this.#note("server", message.data.replaceAll("_", "-"));
        break;
      case "turn":
        this.#note("server", "turn-traced", { index: message.data.index });
        break;
      case "reply":
      case "transcript":
        this.#note("server", `${message.type}-told`, message.data);
        break;
      case "fetch_output":
        this.#note("server", "output", message.data);
        break;
      case "error":
      case "warning":
        this.#note("server", message.type, message.message);
        break;
      default:
        this.#note("server", message.type.replaceAll("_", "-"), message.data);
    }
  }

  #logger(): Logger {
    const keep = (message: string, fields?: Readonly<Record<string, unknown>>): void => {
      this.#errors.push(fields?.["error"] ?? message);
    };
    return { ...silentLogger, warn: keep, error: keep };
  }

  #note(who: ConversationEvent["who"], what: string, detail?: unknown): void {
    const at = this.#time.clock.now();
    this.#log.add({ at, who, what, ...(detail === undefined ? {} : { detail }) });
  }
}

// Not setImmediate: the process may sleep while others work.
function realTurn(): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, 1);
  });
}

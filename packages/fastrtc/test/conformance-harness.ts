/**
 * What a transport gives to `describeTransport`: a server with one handler, and clients of that
 * transport which do as they are told. About forty lines each.
 */

import type { ServerMessage } from "@fastrtc/protocol";
import type { StreamHandlerBase } from "../src/handler/stream-handler.ts";
import type { TransportKind } from "../src/transport/transport.ts";

/** What not every transport can do; each is tested where it can. */
export type ConformanceAbility =
  /** Clients read the server's messages. */
  | "messages-to-client"
  /** Clients send text to the handler. */
  | "messages-to-handler"
  /** Clients name their session. */
  | "chosen-ids"
  /** Clients are told to drop audio that they have and have not played. */
  | "flush"
  /** A client that is refused reads why; without it, it is only closed. */
  | "refusal-reasons"
  /** A client can open the way and leave before its session begins. */
  | "leave-before-start"
  /** A client can vanish without a goodbye, and the server notices within two seconds. */
  | "vanish";

/** What a server is to do. */
export interface ConformanceServerOptions {
  readonly handler: StreamHandlerBase;
  /** Seconds. @defaultValue no limit */
  readonly timeLimit?: number;
  /** @defaultValue no limit */
  readonly concurrencyLimit?: number;
  readonly additionalOutputsHandler?: (...args: readonly unknown[]) => void;
}

/** One caller. All audio is mono. */
export interface ConformanceClient {
  /** The id that the session has, as its context tells it. */
  readonly webrtcId: string;
  /** Rate of what it says, in Hz. */
  readonly sampleRate: number;
  /** Rate of what it hears, in Hz. @defaultValue `sampleRate` */
  readonly heardSampleRate?: number;
  /** All that it has heard: what it was told to drop before it was played is not in it. */
  heard(): Int16Array;
  /** How often it was told to drop audio. */
  readonly flushes: number;
  /** The messages that it got; empty where the transport has none. */
  readonly messages: readonly ServerMessage[];
  /** Whether its way to the server is gone. */
  readonly isClosed: boolean;
  /** Says something, in pieces of 20 ms, each at its time; resolves when all is said. */
  say(samples: Int16Array): Promise<void>;
  /** Sends a text to the handler; it is always a JSON object without `event`. */
  sendText(text: string): void;
  /** Leaves in good order. */
  hangUp(): void;
  /** Goes without a word. */
  vanish(): void;
}

/** A server with one stream. */
export interface ConformanceServer {
  /** How many sessions live. */
  readonly sessionCount: number;
  /** How many sockets, timers and the like are held for callers; 0 when none is left. */
  readonly heldResources: number;
  /**
   * Connects a caller; resolves when media can flow.
   *
   * @param webrtcId - Where ids are chosen; else the transport's own is taken.
   * @throws {@link ConformanceRefusal} when it is refused.
   */
  connect(webrtcId?: string): Promise<ConformanceClient>;
  /** Opens the way and leaves before a session begins. Only with `leave-before-start`. */
  knockAndLeave(): Promise<void>;
  /** Sets a session's inputs, as `stream.setInput` does. */
  setInput(webrtcId: string, ...values: readonly unknown[]): Promise<void>;
  /** Ends everything. */
  close(): Promise<void>;
}

/** Says that a caller was not let in. */
export class ConformanceRefusal extends Error {
  override readonly name = "ConformanceRefusal";
  /** The protocol's word for why, where the client can read it. */
  readonly reason: string | undefined;

  constructor(reason?: string) {
    super(`Refused: ${reason ?? "without a reason"}.`);
    this.reason = reason;
  }
}

/** One transport under test. */
export interface ConformanceHarness {
  /** What `context.transport` must say. */
  readonly kind: TransportKind;
  /** What the transport truly cannot do, each with the reason, which becomes the test's title. */
  readonly cannot?: Partial<Record<ConformanceAbility, string>>;
  /** Starts a server. */
  serve(options: ConformanceServerOptions): Promise<ConformanceServer>;
  /** Lets time pass: real, or that of a manual clock which the server was given. */
  wait(durationMs: number): Promise<void>;
}

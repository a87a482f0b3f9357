/** What the echo bench asks of its load client, and gets. */

import type { OpenTimes } from "./caller.ts";
import type { Sound } from "./sound.ts";

/** Opens calls one after the other, and hangs up at once. */
export interface OpensJob {
  readonly kind: "opens";
  readonly count: number;
}

/** Holds calls at the same time and has them echoed. */
export interface EchoJob {
  readonly kind: "echo";
  readonly sessions: number;
  /** What the callers say. With tones the round trip is measured. */
  readonly sound: Sound;
  /** Time between the last caller's connection and the window. */
  readonly warmUpMs: number;
  /** How long is measured. */
  readonly windowMs: number;
}

/** What came of an {@link OpensJob}. */
export interface OpensResult {
  readonly opens: readonly OpenTimes[];
  /** Calls that had to be tried again. */
  readonly retries: number;
}

/** What came of an {@link EchoJob}. */
export interface EchoResult {
  /** Callers that got through. */
  readonly connected: number;
  /** Calls that had to be tried again. */
  readonly retries: number;
  /** The server's CPU time, all sessions together. */
  readonly cpuMsPerSecond: number;
  /** The server's memory at the end, beyond what it was before the first caller. */
  readonly rssGrowthBytes: number;
  /** How late the server's event loop was. */
  readonly loopDelayMsP99: number;
  /** Packets that should have come back. */
  readonly expected: number;
  /** Packets that did not. */
  readonly missing: number;
  /** From each tone's departure to its return. */
  readonly roundTripsMs: readonly number[];
}

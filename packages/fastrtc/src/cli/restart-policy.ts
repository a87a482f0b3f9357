/** When a worker that has died is started again, and when there is no sense in it. */

/** The first pause before a restart, in milliseconds; each further one is twice as long. */
const FIRST_PAUSE_MS = 1_000;
/** The longest pause. */
const LONGEST_PAUSE_MS = 30_000;
/** A worker that has lived this long was well: its next pause is the first again. */
const WELL_AFTER_MS = 60_000;
/** A worker that dies sooner has not started. */
const STARTED_AFTER_MS = 5_000;
/** So many in a row that did not start, while none runs, are enough. */
const MAX_FAILED_STARTS = 5;

/** What to do about a worker that has died. */
export type RestartDecision =
  { readonly kind: "restart"; readonly pauseMs: number } | { readonly kind: "give-up" };

/** How one worker came to its end. */
export interface WorkerEnd {
  /** Which of the places for workers is empty now. */
  readonly slot: number;
  /** How long it lived, in milliseconds. */
  readonly livedMs: number;
  /** Whether the application could not even be loaded. */
  readonly failedToLoad: boolean;
  /** How many other workers live that have started. */
  readonly othersRunning: number;
}

/** Decides about restarts, for all workers of an application. */
export class RestartPolicy {
  readonly #pauses = new Map<number, number>();
  #hasEverRun = false;
  #failedStarts = 0;

  /** Notes that a worker has loaded the application. */
  onStarted(): void {
    this.#hasEverRun = true;
  }

  /** Decides about a worker that has died without having been asked to. */
  decide({ slot, livedMs, failedToLoad, othersRunning }: WorkerEnd): RestartDecision {
    this.#failedStarts = livedMs < STARTED_AFTER_MS ? this.#failedStarts + 1 : 0;
    if (othersRunning === 0) {
      // What has never worked will not work a second later: a name is wrong, a port is taken.
      if (failedToLoad && !this.#hasEverRun) return { kind: "give-up" };
      if (this.#failedStarts >= MAX_FAILED_STARTS) return { kind: "give-up" };
    }
    if (livedMs >= WELL_AFTER_MS) this.#pauses.delete(slot);
    const pauseMs = this.#pauses.get(slot) ?? FIRST_PAUSE_MS;
    this.#pauses.set(slot, Math.min(2 * pauseMs, LONGEST_PAUSE_MS));
    return { kind: "restart", pauseMs };
  }
}

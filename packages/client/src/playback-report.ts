import { encodeClientMessage, type ClientMessage } from "@fastrtc/protocol";

/** How often the server is told how long audio takes to the ear. */
const REPORT_EVERY_MS = 2000;
/** How often is looked whether the reply can be heard yet, and for how long. */
const LOOK_EVERY_MS = 10;
const LOOK_FOR_MS = 3000;
/** Linear, 0 to 1: comfort noise and the tail of a codec stay below. */
const AUDIBLE_LEVEL = 0.003;

/** What {@link PlaybackReport} works with. */
export interface PlaybackReportOptions {
  /** How long audio waits before it is played, in milliseconds; undefined while it is not known. */
  readonly readDelayMs: () => Promise<number | undefined>;
  /** How loud what is played right now is, 0 to 1; undefined where the browser does not tell. */
  readonly readLevel: () => number | undefined;
  /** Sends a text to the server; may throw when there is no connection. */
  readonly send: (text: string) => void;
}

/** Tells the server what the user really hears, so that it knows what of a reply was heard. */
export class PlaybackReport {
  readonly #options: PlaybackReportOptions;
  readonly #timer: ReturnType<typeof setInterval>;
  #look: ReturnType<typeof setInterval> | undefined;

  constructor(options: PlaybackReportOptions) {
    this.#options = options;
    this.#timer = setInterval(() => void this.#report(), REPORT_EVERY_MS);
  }

  /** A reply has been sent off: reports when its first sound is heard. */
  expectReply(): void {
    clearInterval(this.#look);
    const until = performance.now() + LOOK_FOR_MS;
    this.#look = setInterval(() => {
      const isAudible = (this.#options.readLevel() ?? 0) > AUDIBLE_LEVEL;
      if (isAudible) this.#send({ type: "audible" });
      if (isAudible || performance.now() > until) clearInterval(this.#look);
    }, LOOK_EVERY_MS);
  }

  /** Reports nothing any more. */
  close(): void {
    clearInterval(this.#timer);
    clearInterval(this.#look);
  }

  async #report(): Promise<void> {
    const delayMs = await this.#options.readDelayMs().catch(() => undefined);
    if (delayMs !== undefined) this.#send({ type: "playback", delayMs });
  }

  #send(message: ClientMessage): void {
    try {
      this.#options.send(encodeClientMessage(message));
    } catch {
      // The connection is down just now; the next report will do.
    }
  }
}

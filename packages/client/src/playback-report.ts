import { encodeClientMessage, type ClientMessage } from "@fastrtc/protocol";

/** How often the server is told how long audio takes to the ear. */
const REPORT_EVERY_MS = 2000;
/** How often is looked whether the reply can be heard yet, and for how long. */
const LOOK_EVERY_MS = 20;
const LOOK_FOR_MS = 3000;
/** Linear, 0 to 1: comfort noise and the tail of a codec stay below. */
const AUDIBLE_LEVEL = 0.003;

/** What {@link PlaybackReport} works with. */
export interface PlaybackReportOptions {
  /** How long audio waits before it is played, in milliseconds; undefined while it is not known. */
  readonly readDelayMs: () => Promise<number | undefined>;
  /** How loud what is played right now is, 0 to 1; undefined where the browser does not tell. */
  readonly readLevel: () => Promise<number | undefined>;
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
    const look = setInterval(() => {
      if (performance.now() > until) clearInterval(look);
      void this.#lookOnce(look);
    }, LOOK_EVERY_MS);
    this.#look = look;
  }

  /** Reports nothing any more. */
  close(): void {
    clearInterval(this.#timer);
    clearInterval(this.#look);
  }

  async #lookOnce(look: ReturnType<typeof setInterval>): Promise<void> {
    const level = await this.#options.readLevel().catch(() => undefined);
    // Looks may overlap, and a new reply may have come: only the first of the present one counts.
    if ((level ?? 0) <= AUDIBLE_LEVEL || this.#look !== look) return;
    clearInterval(look);
    this.#look = undefined;
    this.#send({ type: "audible" });
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

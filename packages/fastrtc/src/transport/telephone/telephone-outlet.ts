import type { Clock, Timer } from "../../media/clock.ts";
import type { AudioFormat, EncodedChunk } from "../../media/encoded-chunk.ts";
import type { MessageSocket } from "../websocket/message-socket.ts";
import type { CarrierWire } from "./carrier.ts";
import { MessageAudio } from "./message-audio.ts";
import { PlayoutMarks } from "./playout-marks.ts";

/** Audio between two marks, in milliseconds. */
const MARK_INTERVAL_MS = 1000;
/** Without audio for this long, an utterance is over. */
const QUIET_MS = 60;
/** How long the end waits for the telephone to have played what was sent. */
const LAST_MARK_WAIT_MS = 2000;
/** The same, where a carrier cannot tell: what the network and the carrier may hold. */
const UNMARKED_WAIT_MS = 200;
/** Bytes that may wait for a carrier that reads too slowly; audio beyond them is dropped. */
const MAX_BUFFERED_BYTES = 131_072;
/** After so long of dropping, the carrier is gone. */
const MAX_STALL_MS = 10_000;

/** What a {@link TelephoneOutlet} works with. */
export interface TelephoneOutletOptions {
  readonly socket: MessageSocket;
  readonly wire: CarrierWire;
  readonly format: AudioFormat;
  readonly clock: Clock;
  /** Called when the carrier begins to read too slowly, so that audio is dropped. */
  readonly onStalled: () => void;
}

/**
 * The way to one telephone: gathers audio into the carrier's messages, and marks it, so that it is
 * known what has been heard.
 *
 * A mark follows the first message of an utterance, each second, and its end.
 */
export class TelephoneOutlet {
  readonly #options: TelephoneOutletOptions;
  readonly #audio: MessageAudio;
  readonly #marks = new PlayoutMarks();
  #playoutDelayMs: number | undefined;
  #onPlayed: (() => void) | undefined;
  #nextTimestamp = 0;
  #lastAudioAt = 0;
  #quietTimer: Timer | undefined;
  #unmarkedMs = MARK_INTERVAL_MS;
  #isMarked = true;
  #canMark = true;
  #stalledAt: number | undefined;

  /** @throws {@link InvalidOptionError} when the format is not a telephone's. */
  constructor(options: TelephoneOutletOptions) {
    this.#options = options;
    const { format, wire } = options;
    this.#audio = new MessageAudio(format, wire.messageMs, (data) => {
      this.#write(data);
    });
  }

  /**
   * How long audio takes to the ear: the latest mark's round trip, without the message that the mark
   * follows. The way of its echo stands for the way from the carrier to the ear.
   */
  get playoutDelayMs(): number | undefined {
    return this.#playoutDelayMs;
  }

  /** Sends a piece of audio, as soon as a message is full. */
  send(data: Uint8Array, { timestamp, durationSamples }: EncodedChunk): void {
    const { clock } = this.#options;
    // Time has passed: what was gathered before belongs before it.
    if (timestamp !== this.#nextTimestamp) this.#audio.flush();
    this.#nextTimestamp = timestamp + durationSamples;
    this.#lastAudioAt = clock.now();
    this.#audio.push(data);
    this.#quietTimer ??= clock.setTimeout(() => this.#onQuiet(), QUIET_MS);
  }

  /** Drops what waits here and at the carrier. */
  clear(): void {
    const { socket, wire } = this.#options;
    this.#audio.clear();
    this.#marks.clear();
    this.#isMarked = true;
    this.#unmarkedMs = MARK_INTERVAL_MS;
    const clear = wire.clear();
    if (clear !== undefined) socket.send(clear);
    this.#onPlayed?.();
  }

  /** Takes the echo of a mark. */
  echoed(name: string): void {
    const { clock, wire } = this.#options;
    const roundTripMs = this.#marks.echoed(name, clock.now());
    if (roundTripMs === undefined) return;
    this.#playoutDelayMs = Math.max(0, roundTripMs - wire.messageMs);
    if (!this.#marks.isPending) this.#onPlayed?.();
  }

  /** Resolves when the telephone has played what was sent, as far as anybody can tell; in 2 s at most. */
  async played(): Promise<void> {
    const hasSpoken = this.#quietTimer !== undefined;
    this.#endUtterance();
    const isWaiting = this.#marks.isPending || (hasSpoken && !this.#canMark);
    if (!isWaiting) return;
    await new Promise<void>((resolve) => {
      const waitMs = this.#canMark ? LAST_MARK_WAIT_MS : UNMARKED_WAIT_MS;
      const timer = this.#options.clock.setTimeout(resolve, waitMs);
      this.#onPlayed = () => {
        timer.cancel();
        resolve();
      };
    });
  }

  /** Ends it; nobody waits any more. */
  stop(): void {
    this.#quietTimer?.cancel();
    this.#quietTimer = undefined;
    this.#onPlayed?.();
  }

  // One message's audio, of the full length.
  #write(data: Uint8Array): void {
    const { socket, wire } = this.#options;
    if (socket.bufferedBytes > MAX_BUFFERED_BYTES) {
      this.#stall();
      return;
    }
    this.#stalledAt = undefined;
    const message = wire.audio(data);
    if (message === undefined) return;
    socket.send(message);
    this.#isMarked = false;
    this.#unmarkedMs += wire.messageMs;
    if (this.#unmarkedMs >= MARK_INTERVAL_MS) this.#mark();
  }

  #mark(): void {
    const { socket, wire, clock } = this.#options;
    this.#unmarkedMs = 0;
    this.#isMarked = true;
    const message = wire.mark(this.#marks.next(clock.now()));
    this.#canMark = message !== undefined;
    if (message === undefined) this.#marks.clear();
    else socket.send(message);
  }

  #stall(): void {
    const { clock, socket, onStalled } = this.#options;
    const now = clock.now();
    if (this.#stalledAt === undefined) {
      this.#stalledAt = now;
      onStalled();
    } else if (now - this.#stalledAt > MAX_STALL_MS) {
      socket.terminate();
    }
  }

  // One timer at a time, set anew only when it fires: audio comes every 20 ms.
  #onQuiet(): void {
    const { clock } = this.#options;
    const leftMs = this.#lastAudioAt + QUIET_MS - clock.now();
    this.#quietTimer = leftMs > 0 ? clock.setTimeout(() => this.#onQuiet(), leftMs) : undefined;
    if (leftMs <= 0) this.#endUtterance();
  }

  // The next utterance begins with a mark of its own, so that its first echo comes early.
  #endUtterance(): void {
    this.#audio.flush();
    if (!this.#isMarked) this.#mark();
    this.#unmarkedMs = MARK_INTERVAL_MS;
  }
}

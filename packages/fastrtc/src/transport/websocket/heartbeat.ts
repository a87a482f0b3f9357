import type { Clock, Timer } from "../../media/clock.ts";
import type { MessageSocket } from "./message-socket.ts";

/** How often the other side is pinged, in milliseconds: proxies cut sockets that rest for a minute. */
const PING_MS = 15_000;
/** How long the other side may be silent, in milliseconds; browsers answer pings by themselves. */
const MAX_SILENCE_MS = 30_000;

/** What a {@link Heartbeat} works with. */
export interface HeartbeatOptions {
  readonly socket: MessageSocket;
  readonly clock: Clock;
  /** Called every 15 s while the other side lives. */
  readonly onBeat: () => void;
  /** Called once, when the other side has been silent for too long. */
  readonly onLost: () => void;
}

/** Finds out whether the other side is still there, and how far away. */
export class Heartbeat {
  readonly #options: HeartbeatOptions;
  #timer: Timer | undefined;
  #heardAt = 0;
  #pingedAt: number | undefined;
  #roundTripMs: number | undefined;

  constructor(options: HeartbeatOptions) {
    this.#options = options;
  }

  /** How long the last ping took to come back, in milliseconds. */
  get roundTripMs(): number | undefined {
    return this.#roundTripMs;
  }

  /** Begins with a ping. */
  start(): void {
    this.#heardAt = this.#options.clock.now();
    this.#beat();
  }

  /** Takes note that something came. */
  noteLife(): void {
    this.#heardAt = this.#options.clock.now();
  }

  /** Takes the answer to a ping. */
  onPong(): void {
    this.noteLife();
    if (this.#pingedAt !== undefined) this.#roundTripMs = this.#heardAt - this.#pingedAt;
    this.#pingedAt = undefined;
  }

  /** Ends it. */
  stop(): void {
    this.#timer?.cancel();
  }

  #beat(): void {
    const { socket, clock, onBeat, onLost } = this.#options;
    const now = clock.now();
    this.#pingedAt = now;
    socket.ping();
    this.#timer = clock.setTimeout(() => {
      if (clock.now() - this.#heardAt >= MAX_SILENCE_MS) {
        onLost();
        return;
      }
      onBeat();
      this.#beat();
    }, PING_MS);
  }
}

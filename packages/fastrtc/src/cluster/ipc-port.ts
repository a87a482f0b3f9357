/**
 * One end of the channel between a worker and its primary process, with a bound on what waits in it.
 *
 * Node keeps what the other end does not read in memory, without end. A worker that hangs would fill
 * the primary process; so above the bound a message is refused.
 */

import { TransportError } from "../errors.ts";

/** What may wait for the other end, in UTF-16 units. */
const MAX_WAITING_CHARS = 64_000_000;

/** What is used of a worker, or of the process of one. */
export interface IpcChannel {
  send(message: unknown, callback: (error: Error | null) => void): unknown;
  on(event: "message", listener: (message: unknown) => void): unknown;
  on(event: "disconnect", listener: () => void): unknown;
  off(event: "message", listener: (message: unknown) => void): unknown;
  off(event: "disconnect", listener: () => void): unknown;
}

/** Sends within the bound. */
export class IpcPort {
  readonly #channel: IpcChannel;
  #waitingChars = 0;
  #isGone = false;
  readonly #onMessage: (message: unknown) => void;
  readonly #tellGone: () => void;

  /**
   * @param onMessage - Called for each message that arrives, whoever's it is.
   * @param onGone - Called once when the other end is gone.
   */
  constructor(channel: IpcChannel, onMessage: (message: unknown) => void, onGone: () => void) {
    this.#channel = channel;
    this.#onMessage = onMessage;
    this.#tellGone = onGone;
    channel.on("message", this.#onMessage);
    channel.on("disconnect", this.onGone);
  }

  /** Takes note that the other end is gone, for when the channel does not. Safe to call twice. */
  readonly onGone = (): void => {
    if (this.#isGone) return;
    this.close();
    this.#tellGone();
  };

  /** @throws {@link TransportError} when the other end is gone, or does not read. */
  send(message: object): void {
    if (this.#isGone) throw new TransportError("The channel between the processes is closed.");
    const chars = charsOf(message);
    if (this.#waitingChars + chars > MAX_WAITING_CHARS) {
      throw new TransportError("The other process does not read its messages.");
    }
    this.#waitingChars += chars;
    // Without a callback, node would throw what goes wrong as an event.
    this.#channel.send(message, () => {
      this.#waitingChars -= chars;
    });
  }

  /** Stops listening. Safe to call twice. */
  close(): void {
    this.#isGone = true;
    this.#channel.off("message", this.#onMessage);
    this.#channel.off("disconnect", this.onGone);
  }
}

// The texts make up a message; the rest is some hundred characters.
function charsOf(message: object): number {
  let chars = 200;
  for (const value of Object.values(message) as unknown[]) {
    if (typeof value === "string") chars += value.length;
    else if (typeof value === "object" && value !== null) chars += charsOf(value);
  }
  return chars;
}

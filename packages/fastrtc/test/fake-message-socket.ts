import type {
  MessageSocket,
  MessageSocketListener,
} from "../src/transport/websocket/message-socket.ts";

/** A socket without a network: the test plays the other side. */
export class FakeMessageSocket implements MessageSocket {
  /** Every message that was sent. */
  readonly sent: (string | Uint8Array)[] = [];
  /** How it was closed from this side. */
  closedWith: { readonly code: number; readonly reason: string } | undefined;
  /** What {@link MessageSocket.bufferedBytes} says. */
  bufferedBytes = 0;
  /** How often it was pinged. */
  pings = 0;
  /** Called with each message that was sent, at once. */
  onSent: ((message: string | Uint8Array) => void) | undefined;
  /** Whether the other side answers a close at once. */
  answersClose = true;
  #listener: MessageSocketListener | undefined;
  #isClosed = false;

  listen(listener: MessageSocketListener): void {
    this.#listener = listener;
  }

  send(message: string | Uint8Array): void {
    if (this.#isClosed || this.closedWith) return;
    this.sent.push(typeof message === "string" ? message : message.slice());
    this.onSent?.(message);
  }

  ping(): void {
    this.pings++;
  }

  close(code: number, reason = ""): void {
    this.closedWith ??= { code, reason };
    if (this.answersClose) this.end(code, reason);
  }

  terminate(): void {
    this.end(1006);
  }

  /** Says something as the other side. */
  receive(message: string | Uint8Array): void {
    if (!this.#isClosed) this.#listener?.onMessage(message);
  }

  /** Answers a ping as the other side. */
  pong(): void {
    this.#listener?.onPong?.();
  }

  /** Ends it as the other side. */
  end(code: number, reason = ""): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#listener?.onClosed(code, reason);
  }
}

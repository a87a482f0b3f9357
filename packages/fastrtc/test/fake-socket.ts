import type {
  MessageSocket,
  MessageSocketListener,
} from "../src/transport/websocket/message-socket.ts";

/** A WebSocket whose other side is the test. */
export class FakeSocket implements MessageSocket {
  /** What the server sent, JSON already read. */
  readonly sent: unknown[] = [];
  /** How the server closed it. */
  closing: { readonly code: number; readonly reason: string } | undefined;
  bufferedBytes = 0;
  pings = 0;
  isTerminated = false;
  /** Whether the other side answers a close at once. */
  answersClose = true;
  #listener: MessageSocketListener | undefined;
  #isClosed = false;

  listen(listener: MessageSocketListener): void {
    this.#listener = listener;
  }

  send(message: string | Uint8Array): void {
    if (this.closing || this.#isClosed) return;
    this.sent.push(typeof message === "string" ? JSON.parse(message) : message);
  }

  ping(): void {
    this.pings++;
  }

  close(code: number, reason = ""): void {
    if (this.closing || this.#isClosed) return;
    this.closing = { code, reason };
    if (this.answersClose) this.leave(code);
  }

  terminate(): void {
    this.isTerminated = true;
    this.leave(1006);
  }

  /** The other side says something: bytes, a text, or a value as JSON. */
  say(message: unknown): void {
    const isPlain = typeof message === "string" || message instanceof Uint8Array;
    this.#listener?.onMessage(isPlain ? message : JSON.stringify(message));
  }

  /** The other side answers a ping. */
  pong(): void {
    this.#listener?.onPong?.();
  }

  /** The other side goes. */
  leave(code = 1006): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#listener?.onClosed(code, "");
  }

  /** What the server sent of one type or event. */
  of(name: string): unknown[] {
    return this.sent.filter((message) => {
      const { type, event } = message as { readonly type?: string; readonly event?: string };
      return type === name || event === name;
    });
  }
}

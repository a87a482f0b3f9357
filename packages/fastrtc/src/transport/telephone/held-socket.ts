import type { MessageSocket, MessageSocketListener } from "../websocket/message-socket.ts";

/** Messages that are kept: five seconds of a telephone's audio. */
const MAX_HELD = 250;

/**
 * A socket whose messages wait for the next listener, for the time between knowing what a session
 * shall be and its beginning. At most 250 wait; the oldest are dropped. A closed socket's end waits
 * too.
 */
export class HeldSocket implements MessageSocket {
  readonly #socket: MessageSocket;
  #held: (string | Uint8Array)[] = [];
  #end: { readonly code: number; readonly reason: string } | undefined;

  constructor(socket: MessageSocket) {
    this.#socket = socket;
    socket.listen({
      onMessage: (message) => {
        if (this.#held.length >= MAX_HELD) this.#held.shift();
        // Bytes are the socket's, and may be a Buffer, whose slice() copies nothing.
        this.#held.push(typeof message === "string" ? message : new Uint8Array(message));
      },
      onClosed: (code, reason) => {
        this.#end = { code, reason };
      },
    });
  }

  get bufferedBytes(): number {
    return this.#socket.bufferedBytes;
  }

  listen(listener: MessageSocketListener): void {
    const held = this.#held;
    this.#held = [];
    for (const message of held) listener.onMessage(message);
    if (this.#end) listener.onClosed(this.#end.code, this.#end.reason);
    else this.#socket.listen(listener);
  }

  send(message: string | Uint8Array): void {
    this.#socket.send(message);
  }

  ping(): void {
    this.#socket.ping();
  }

  close(code: number, reason?: string): void {
    this.#socket.close(code, reason);
  }

  terminate(): void {
    this.#socket.terminate();
  }
}

/**
 * The contract of a WebSocket, as far as transports need it: `ws-socket.ts` fulfils it with the `ws`
 * package, tests with an object.
 */

/** What a {@link MessageSocket} tells. Nothing is told after `onClosed`. */
export interface MessageSocketListener {
  /** A text message is a string, a binary one its bytes, valid during the call only. */
  onMessage(message: string | Uint8Array): void;
  /** The answer to a {@link MessageSocket.ping}. */
  onPong?(): void;
  /**
   * It has ended, whoever ended it. Called exactly once.
   *
   * @param code - The close code of RFC 6455 section 7.4; 1006 when it broke.
   */
  onClosed(code: number, reason: string): void;
}

/** One open WebSocket. */
export interface MessageSocket {
  /** Bytes that wait in this process because the other side reads too slowly. */
  readonly bufferedBytes: number;
  /** Subscribes; messages that came before are not lost. Called again, the new listener takes over. */
  listen(listener: MessageSocketListener): void;
  /** Sends a text or a binary message. Does nothing once it is closing. */
  send(message: string | Uint8Array): void;
  /** Sends a ping (RFC 6455 section 5.5.2). */
  ping(): void;
  /**
   * Ends it in good order; what was sent before still goes out. After a few seconds without an
   * answer of the other side it is cut.
   *
   * @param code - RFC 6455 section 7.4, or 4000 to 4999.
   * @param reason - At most 123 bytes of UTF-8.
   */
  close(code: number, reason?: string): void;
  /** Cuts it at once. */
  terminate(): void;
}

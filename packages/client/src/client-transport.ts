/**
 * The contract of both ways to a server: `peer-connection.ts` (WebRTC) and `websocket/`.
 *
 * In go the microphone and texts, out come the server's audio and messages. A session opens one,
 * and after a loss another one; a transport itself is never opened twice.
 */

import type { FastRTCClientError } from "./client-error.ts";
import type { ConnectionStats } from "./connection-stats.ts";

/** What a {@link ClientTransport} tells the session that opened it; nothing after its end. */
export interface ClientTransportListener {
  /** Media and messages flow; again after each interruption. */
  onConnected(): void;
  /** Nothing comes through right now; it may come back. */
  onInterrupted(): void;
  /** The server's audio is there. */
  onStream(stream: MediaStream): void;
  onMessage(text: string): void;
  /** Something did not work that may not be needed; a sentence for people. */
  onWarning(message: string): void;
  /** The browser plays only after a click. */
  onPlaybackBlocked(): void;
  /** The server hung up. Told once, last. */
  onClosed(): void;
  /** The path is gone, and this transport finds no other. Told once, last. */
  onLost(error: FastRTCClientError): void;
}

/** One path to the server. */
export interface ClientTransport {
  /**
   * Asks the server for the session, and tells its claim what it answers. Whether a path is found
   * shows later.
   *
   * @param microphone - What to send; undefined to only listen.
   * @param listens - Whether the server's audio is wanted.
   * @throws {@link FastRTCClientError} when the server refuses or cannot be reached.
   */
  open(microphone: MediaStream | undefined, listens: boolean): Promise<void>;
  /** Sends from another microphone. */
  replaceMicrophone(microphone: MediaStream): Promise<void>;
  /**
   * Sends a text.
   *
   * @throws {@link FastRTCClientError} `not-connected` before it is connected and after its end.
   */
  send(text: string): void;
  /** Reads how good the path is. */
  readStats(): Promise<ConnectionStats>;
  /** Reads how long audio waits here before it is played, in milliseconds, where it is known. */
  readPlaybackDelay(): Promise<number | undefined>;
  /** Reads how loud the audio is that is played right now, 0 to 1; undefined where that is not told. */
  readPlayedLevel(): Promise<number | undefined>;
  /** Tries to play after the browser wanted a click. Returns whether it plays. */
  resumePlayback(): Promise<boolean>;
  /** The network may have changed: looks at once whether the path still holds. */
  checkPath(): void;
  /** Hangs up. The listener hears nothing any more. */
  close(): void;
}

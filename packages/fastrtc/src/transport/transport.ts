/**
 * The contract that every way in fulfils: WebRTC, WebSocket, telephone, in-memory.
 *
 * In go encoded chunks and messages of one session, out come the same. A transport knows nothing
 * of codecs, turns or handlers; the session subscribes with {@link Transport.open} and decides.
 */

import type { ServerMessage } from "@fastrtc/protocol";
import type { AudioFormat, EncodedChunk } from "../media/encoded-chunk.ts";

/** How a session is carried. */
export type TransportKind = "webrtc" | "websocket" | "telephone" | "memory";

/** Why a transport ended. */
export type TransportCloseReason =
  /** This side called {@link Transport.close}. */
  | "local"
  /** The other side said goodbye. */
  | "remote"
  /** The other side vanished. */
  | "lost"
  /** It never connected in time. */
  | "never-connected"
  /** It broke. */
  | "failed";

/** What a transport tells the session that opened it. Calls come one at a time, in order. */
export interface TransportListener {
  /** Media can flow. Called once, before any audio. */
  onConnected(): void;
  /** A piece of the caller's audio, or the gap where one was lost, in order. */
  onAudio(chunk: EncodedChunk): void;
  /** A text message of the caller's, as it came. */
  onMessage(text: string): void;
  /** The caller pressed a key of a telephone: one of `0`-`9`, `*`, `#`, `A`-`D`. */
  onDtmf?(digit: string): void;
  /** It has ended and holds nothing any more. Called exactly once, last. */
  onClosed(reason: TransportCloseReason): void;
}

/** What is known of a transport's path right now. */
export interface TransportStats {
  /** Round trip in milliseconds, where it is known. */
  readonly roundTripMs?: number;
  /**
   * How long audio takes from its sending to the ear in milliseconds, where the other side tells;
   * then it says more than the round trip.
   */
  readonly playoutDelayMs?: number;
  /** Share of the packets of ours that the other side lost lately, 0 to 1, where it is known. */
  readonly outboundLossShare?: number;
  /** Chunks received. */
  readonly chunksReceived: number;
  /** Chunks that were lost on the way and had to be concealed. */
  readonly chunksLost: number;
  /** Chunks sent. */
  readonly chunksSent: number;
}

/** One caller's connection. */
export interface Transport {
  readonly kind: TransportKind;
  /** How the caller's audio is encoded; undefined when none comes. */
  readonly inputFormat: AudioFormat | undefined;
  /** How the audio that we send must be encoded; undefined when none may be sent. */
  readonly outputFormat: AudioFormat | undefined;
  /**
   * How much earlier than it is heard audio may be sent, in milliseconds, because the other side keeps
   * it and can drop it ({@link Transport.clearAudio}).
   *
   * @defaultValue 0
   */
  readonly leadMs?: number;
  /** Subscribes the session. Called once, synchronously after the transport was made. */
  open(listener: TransportListener): void;
  /**
   * Sends one chunk at once; the caller paces. Does nothing when it is not connected or has closed.
   *
   * `timestamp` may jump ahead after silence: the receiver then hears a pause.
   */
  sendAudio(chunk: EncodedChunk): void;
  /** Sends one message, or keeps it (bounded, oldest dropped) until messages can be sent. */
  sendMessage(message: ServerMessage): void;
  /** Drops the audio that has been sent and not been heard yet, where the other side can do so. */
  clearAudio(): void;
  /** Reads the path's figures. */
  stats(): TransportStats;
  /** Ends it. Safe to call twice; resolves when sockets and timers are gone. */
  close(): Promise<void>;
}

/**
 * The contract that every telephone carrier fulfils, one file each: how a call arrives, who may open
 * its media socket, and what is said on it. `telephone-transport.ts` carries the call with it.
 */

import type { AudioFormat } from "../../media/encoded-chunk.ts";

/** What a carrier told of a call when its media began. */
export interface CarrierCall {
  /** The carrier's name of the call. */
  readonly callId: string;
  /** The carrier's name of the media stream, where it has one. */
  readonly streamId: string | undefined;
  /** The caller's number, where it is known. */
  readonly from: string | undefined;
  /** The number that was called, where it is known. */
  readonly to: string | undefined;
  /** What the webhook's answer, or the dial plan, passed along. */
  readonly params: Readonly<Record<string, string>>;
  /** How the caller's audio comes. */
  readonly inputFormat: AudioFormat;
  /** How the audio that we send must be. */
  readonly outputFormat: AudioFormat;
}

/** What a carrier says on its media socket. */
export type CarrierEvent =
  /** Media begins. Nothing but it may come first. */
  | { readonly type: "start"; readonly call: CarrierCall }
  /**
   * A piece of the caller's audio in the call's input format.
   *
   * `order`, where the carrier does not promise it, counts the pieces from any number on.
   */
  | { readonly type: "audio"; readonly data: Uint8Array; readonly order?: number }
  /** The caller pressed a key: one of `0`-`9`, `*`, `#`, `A`-`D`. */
  | { readonly type: "dtmf"; readonly digit: string }
  /** The audio before this mark has been heard, or has been dropped. */
  | { readonly type: "mark"; readonly name: string }
  /** Something that the carrier complains about; goes to the log. */
  | { readonly type: "complaint"; readonly text: string }
  /** The call is over. */
  | { readonly type: "stop" };

/** Reads and writes what goes over one call's media socket. Made anew for each socket. */
export interface CarrierWire {
  /**
   * Milliseconds of audio in one message, exactly: what is sent is gathered up to it, and the last
   * message of an utterance is filled with silence.
   */
  readonly messageMs: number;
  /**
   * How much audio the carrier may be given ahead of time, in milliseconds: more than none only where
   * it keeps what comes early, paces it, and drops it on {@link CarrierWire.clear}.
   *
   * @defaultValue 0
   */
  readonly leadMs?: number;
  /**
   * Reads one message.
   *
   * @returns undefined for messages that mean nothing to us, known or not.
   * @throws {@link TransportError} that says what is malformed. Nothing else is lost then.
   */
  read(message: string | Uint8Array): CarrierEvent | undefined;
  /**
   * Writes a piece of audio in the call's output format.
   *
   * @returns undefined while the carrier has said that it takes none: the piece is dropped.
   */
  audio(data: Uint8Array): string | Uint8Array | undefined;
  /** Asks to be told when the audio so far has been heard; undefined where a carrier cannot. */
  mark(name: string): string | Uint8Array | undefined;
  /** Drops the audio that waits at the carrier; undefined where a carrier cannot. */
  clear(): string | Uint8Array | undefined;
  /** The last message before the socket is closed; undefined where closing it says all. */
  hangUp(): string | Uint8Array | undefined;
  /** Lets the carrier press keys; undefined where it cannot. */
  dtmf(digits: string): string | Uint8Array | undefined;
}

/** Where a carrier is told to open the media socket of a call. */
export interface CarrierRoutes {
  /**
   * The public address of the webhook as the carrier called it, from configuration or a trusted
   * proxy, never from the bare Host header.
   */
  readonly webhookUrl: string;
  /**
   * The public `wss:` address of the media socket, without a query. Carriers that sign nothing add
   * one path segment to it, a token, and look for it when the socket is opened.
   */
  readonly mediaUrl: string;
}

/** A call that has been announced by a webhook. */
export interface AnnouncedCall {
  readonly callId: string;
  readonly from: string | undefined;
  readonly to: string | undefined;
}

/** One carrier, as an application has configured it. */
export interface Carrier {
  /** Names its routes, log lines and `context.telephone.carrier`. */
  readonly name: string;
  /** The public origin that was configured, such as `https://voice.example.com`. */
  readonly publicUrl: string | undefined;
  /**
   * Checks the webhook of a new call and reads it.
   *
   * @param body - The raw body.
   * @returns undefined for a webhook that tells something else of a call; it is answered with an
   * empty 200.
   * @throws {@link AuthenticationError} when it is not the carrier's.
   * @throws {@link NegotiationError} when it cannot be read.
   */
  announce(
    request: Request,
    body: string,
    routes: CarrierRoutes,
  ): Promise<AnnouncedCall | undefined>;
  /**
   * Answers that webhook, so that the carrier opens the media socket.
   *
   * @param params - What the application wants to find in the session.
   */
  answer(
    call: AnnouncedCall,
    routes: CarrierRoutes,
    params: Readonly<Record<string, string>>,
  ): Promise<Response>;
  /**
   * Checks who opens the media socket.
   *
   * @throws {@link AuthenticationError} when it is not the carrier.
   */
  authorize(request: Request, routes: CarrierRoutes): Promise<void>;
  /**
   * Makes the reader and writer of one media socket.
   *
   * @param request - The upgrade that {@link Carrier.authorize} let in: some carriers tell of the
   * call only there.
   */
  wire(request: Request): CarrierWire;
  /**
   * Ends the call at the carrier, for carriers that go on after the socket has closed; undefined
   * where closing it is enough.
   */
  readonly hangUp: ((call: CarrierCall, signal: AbortSignal) => Promise<void>) | undefined;
}

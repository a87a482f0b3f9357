/**
 * One telephone call as a transport.
 *
 * In come the messages of a carrier's media socket, read by that carrier's {@link CarrierWire}; out
 * goes audio at the pace of the session, and a clear when the caller interrupts. The telephone entry
 * of `session/` makes one for each call.
 */

import type { ServerMessage } from "@fastrtc/protocol";

import { isFastRTCError, TransportError } from "../../errors.ts";
import type { Clock } from "../../media/clock.ts";
import type { AudioFormat, EncodedChunk } from "../../media/encoded-chunk.ts";
import { silentLogger } from "../../observe/logger.ts";
import type { Logger } from "../../observe/logger.ts";
import type {
  Transport,
  TransportCloseReason,
  TransportListener,
  TransportStats,
} from "../transport.ts";
import { Heartbeat } from "../websocket/heartbeat.ts";
import type { MessageSocket } from "../websocket/message-socket.ts";
import type { CarrierCall, CarrierEvent, CarrierWire } from "./carrier.ts";
import { bytesPerFrame } from "./message-audio.ts";
import { PieceOrder } from "./piece-order.ts";
import { TelephoneOutlet } from "./telephone-outlet.ts";

/** Malformed messages within a minute that are tolerated. */
const MAX_MALFORMED = 50;
const MALFORMED_WINDOW_MS = 60_000;
/** Complaints of the carrier's that are logged for each call. */
const MAX_COMPLAINTS = 10;
/** The longest gap that is filled, in seconds: what is longer is a pause. */
const MAX_GAP_SECONDS = 1;

/** What a {@link TelephoneTransport} works with. */
export interface TelephoneTransportOptions {
  readonly socket: MessageSocket;
  /** The one that has read the call's start. */
  readonly wire: CarrierWire;
  readonly call: CarrierCall;
  readonly clock: Clock;
  /** @defaultValue says nothing */
  readonly logger?: Logger;
  /** Ends the call at the carrier, unless the carrier has ended it. Must not reject. */
  readonly hangUp?: () => Promise<void>;
}

interface Ending {
  readonly reason: TransportCloseReason;
  readonly code: number;
  readonly text?: string;
  /** Whether the carrier has stopped the stream: it has ended the call, or goes on without us. */
  readonly isStopped?: boolean;
}

/** Carries one call. */
export class TelephoneTransport implements Transport {
  readonly kind = "telephone";
  readonly inputFormat: AudioFormat;
  readonly outputFormat: AudioFormat;
  readonly leadMs: number;
  readonly #options: TelephoneTransportOptions;
  readonly #logger: Logger;
  readonly #outlet: TelephoneOutlet;
  readonly #order = new PieceOrder((data, missing) => this.#deliver(data, missing));
  readonly #bytesPerFrame: number;
  readonly #heartbeat: Heartbeat;
  #listener: TransportListener | undefined;
  #isConnected = false;
  #isSocketClosed = false;
  #ending: Promise<void> | undefined;
  #onGone: (() => void) | undefined;
  #timestamp = 0;
  #malformed = 0;
  #malformedSince = -Infinity;
  #complaints = 0;
  #received = 0;
  #lost = 0;
  #sent = 0;

  /** @throws {@link InvalidOptionError} when the call's formats are not a telephone's. */
  constructor(options: TelephoneTransportOptions) {
    this.#options = options;
    this.#logger = options.logger ?? silentLogger;
    const { call, wire, socket, clock } = options;
    this.inputFormat = call.inputFormat;
    this.outputFormat = call.outputFormat;
    this.leadMs = wire.leadMs ?? 0;
    this.#bytesPerFrame = bytesPerFrame(call.inputFormat);
    this.#outlet = new TelephoneOutlet({
      ...{ socket, wire, clock, format: call.outputFormat },
      onStalled: () => {
        this.#logger.warn("The carrier reads too slowly: audio is dropped.", this.#names());
      },
    });
    this.#heartbeat = new Heartbeat({
      socket,
      clock,
      onBeat: () => undefined,
      onLost: () => this.#onSilence(),
    });
  }

  open(listener: TransportListener): void {
    this.#listener = listener;
    // Not within the call: whoever opens it is not ready for what a call has to tell.
    queueMicrotask(() => this.#connect());
  }

  sendAudio(chunk: EncodedChunk): void {
    if (!this.#isConnected || this.#ending || !chunk.data) return;
    this.#sent++;
    this.#outlet.send(chunk.data, chunk);
  }

  /** Does nothing: a telephone shows no messages. */
  sendMessage(_message: ServerMessage): void {
    // Carriers end the stream, or complain, when they are sent what they do not know.
  }

  /**
   * Drops the audio that waits here and at the carrier. The carrier is always told, also when
   * nothing seems to wait: it may hold seconds of a reply that was sent long ago.
   */
  clearAudio(): void {
    if (this.#isConnected && !this.#isSocketClosed) this.#outlet.clear();
  }

  /**
   * Has the carrier press keys, where it can.
   *
   * @param digits - Of `0`-`9`, `*`, `#`, `A`-`D`.
   * @returns whether the carrier was asked.
   */
  pressKeys(digits: string): boolean {
    if (!this.#isConnected || this.#ending || !/^[0-9*#A-D]+$/.test(digits)) return false;
    const message = this.#options.wire.dtmf(digits);
    if (message === undefined) return false;
    this.#options.socket.send(message);
    return true;
  }

  /** Reads the call's figures; `playoutDelayMs` is what the carrier's marks tell. */
  stats(): TransportStats {
    const { roundTripMs } = this.#heartbeat;
    const { playoutDelayMs } = this.#outlet;
    return {
      ...(roundTripMs === undefined ? {} : { roundTripMs }),
      chunksReceived: this.#received,
      chunksLost: this.#lost,
      chunksSent: this.#sent,
      ...(playoutDelayMs === undefined ? {} : { playoutDelayMs }),
    };
  }

  /** Ends the call, once the telephone has played what was sent, or after two seconds. */
  close(): Promise<void> {
    return this.#finish({ reason: "local", code: 1000 });
  }

  #connect(): void {
    if (!this.#ending) {
      this.#isConnected = true;
      this.#heartbeat.start();
      this.#listener?.onConnected();
    }
    this.#listen();
  }

  #listen(): void {
    this.#options.socket.listen({
      onMessage: (message) => this.#onMessage(message),
      onPong: () => this.#heartbeat.onPong(),
      onClosed: (code) => this.#onSocketClosed(code),
    });
  }

  #onMessage(message: string | Uint8Array): void {
    this.#heartbeat.noteLife();
    let event: CarrierEvent | undefined;
    try {
      event = this.#options.wire.read(message);
    } catch (error) {
      this.#onMalformed(error);
      return;
    }
    if (event) this.#onEvent(event);
  }

  #onEvent(event: CarrierEvent): void {
    switch (event.type) {
      case "audio":
        if (event.data.length % this.#bytesPerFrame !== 0) {
          this.#onMalformed(new TransportError("The audio is not a whole number of samples."));
        } else if (event.order === undefined) this.#deliver(event.data, 0);
        else this.#order.push(event.data, event.order);
        break;
      case "dtmf":
        if (this.#ending) break;
        if (/^[0-9*#A-D]$/.test(event.digit)) this.#listener?.onDtmf?.(event.digit);
        break;
      case "mark":
        this.#outlet.echoed(event.name);
        break;
      case "complaint":
        if (this.#complaints++ < MAX_COMPLAINTS) {
          this.#logger.warn("The carrier complains.", { ...this.#names(), text: event.text });
        }
        break;
      case "stop":
        void this.#finish({ reason: "remote", code: 1000, isStopped: true });
        break;
      case "start":
        this.#onMalformed(new TransportError("The call has started already."));
        break;
    }
  }

  #deliver(data: Uint8Array, missing: number): void {
    if (this.#ending) return;
    const durationSamples = data.length / this.#bytesPerFrame;
    this.#received++;
    if (missing > 0) {
      this.#lost += missing;
      const limit = this.inputFormat.sampleRate * MAX_GAP_SECONDS;
      this.#pass(undefined, Math.min(missing * durationSamples, limit));
    }
    this.#pass(data, durationSamples);
  }

  #pass(data: Uint8Array | undefined, durationSamples: number): void {
    const timestamp = this.#timestamp;
    this.#timestamp += durationSamples;
    this.#listener?.onAudio({ data, timestamp, durationSamples });
  }

  #onMalformed(error: unknown): void {
    const now = this.#options.clock.now();
    if (now - this.#malformedSince > MALFORMED_WINDOW_MS) {
      this.#malformedSince = now;
      this.#malformed = 0;
    }
    // The first of each minute tells enough. An error that is none of ours is a fault of the wire's.
    if (this.#malformed++ === 0 || !isFastRTCError(error)) {
      this.#logger.warn("A message of the carrier's was dropped.", { ...this.#names(), error });
    }
    if (this.#malformed > MAX_MALFORMED) {
      void this.#finish({ reason: "failed", code: 1008, text: "Too many malformed messages." });
    }
  }

  // Only where pings are answered: what is no WebSocket has other ways to notice.
  #onSilence(): void {
    if (this.#heartbeat.roundTripMs !== undefined) this.#options.socket.terminate();
  }

  #onSocketClosed(code: number): void {
    this.#isSocketClosed = true;
    this.#heartbeat.stop();
    const isGoodbye = code === 1000 || code === 1001 || code === 1005;
    void this.#finish({ reason: isGoodbye ? "remote" : "lost", code });
    this.#outlet.stop();
    this.#onGone?.();
  }

  // In a microtask: a socket may tell of its end within the call that closes it.
  #finish(ending: Ending): Promise<void> {
    this.#ending ??= Promise.resolve().then(() => this.#end(ending));
    return this.#ending;
  }

  async #end({ reason, code, text, isStopped = false }: Ending): Promise<void> {
    const { socket, wire, hangUp } = this.#options;
    const mayWait = reason === "local" && this.#isConnected && !this.#isSocketClosed;
    if (mayWait) await this.#outlet.played();
    this.#outlet.stop();
    const hungUp = isStopped ? undefined : hangUp?.();
    if (!this.#isSocketClosed) {
      const goodbye = isStopped ? undefined : wire.hangUp();
      if (goodbye !== undefined) socket.send(goodbye);
      if (!this.#isConnected) this.#listen();
      await this.#gone(() => socket.close(code, text));
    }
    if (reason === "local") await hungUp;
    this.#listener?.onClosed(reason);
  }

  #gone(close: () => void): Promise<void> {
    if (this.#isSocketClosed) return Promise.resolve();
    return new Promise((resolve) => {
      this.#onGone = resolve;
      close();
    });
  }

  #names(): { readonly callId: string } {
    return { callId: this.#options.call.callId };
  }
}

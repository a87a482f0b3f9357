/**
 * The data channel of one session: werift's SCTP over our DTLS.
 *
 * In go decrypted packets and texts, out come the same. The peer calls it.
 */

import { Event, RTCSctpTransport, type RTCDataChannel } from "werift";
import { TransportError } from "../../errors.ts";
import type { Clock } from "../../media/clock.ts";
import {
  BoundedInboundStream,
  DiscardedInboundStream,
  DISCARDED,
} from "./bounded-inbound-stream.ts";
import { isSaneSctp } from "./sctp-packet.ts";
import { guardMessages, guardSctp, lastReceivedTsn, unacknowledged } from "./werift-internals.ts";

/** What a {@link WeriftChannel} tells its owner. */
export interface ChannelListener {
  /** A packet must go to the other side, encrypted. */
  onSend(packet: Buffer): void;
  onOpen(): void;
  onText(text: string): void;
  /** The other side closed the channel or the association. */
  onClosed(): void;
}

/** The longest message that we take, in bytes; longer ones are dropped. */
export const MAX_MESSAGE_SIZE = 65_536;
/** What may wait to be sent, in bytes, before {@link WeriftChannel.send} refuses. */
const MAX_BUFFERED = 256 * 1024;
/** What werift advertises, in bytes: a client may have no more on the way. */
const RECEIVE_WINDOW = 1024 * 1024;
/** How long the last messages may take to arrive before the association is aborted. */
const FAREWELL_MS = 200;
const FAREWELL_LOOK_MS = 10;
/** Channels that a client may open; one is used. */
const MAX_CHANNELS = 4;
const DCEP = 50;
const STRING = 51;
const STRING_EMPTY = 56;

/** The server's side of the client's data channel. */
export class WeriftChannel {
  readonly #transport: RTCSctpTransport;
  readonly #feed: (packet: Buffer) => void;
  readonly #maxRemoteMessageSize: number;
  readonly #clock: Clock;
  #channel: RTCDataChannel | undefined;
  #isClosed = false;

  /**
   * @param remotePort - From the offer's `a=sctp-port`.
   * @param maxRemoteMessageSize - In bytes, from the offer's `a=max-message-size`.
   */
  constructor(
    remotePort: number,
    maxRemoteMessageSize: number,
    clock: Clock,
    listener: ChannelListener,
  ) {
    this.#clock = clock;
    this.#maxRemoteMessageSize = maxRemoteMessageSize;
    const transport = new RTCSctpTransport(5000, MAX_MESSAGE_SIZE);
    this.#transport = transport;
    guardMessages(transport, (streamId, protocol, data) =>
      this.#isWanted(streamId, protocol, data),
    );
    // All that the transport asks of DTLS; werift's own transport would bring werift's own handshake.
    const dtls = {
      id: "dtls",
      iceTransport: { role: "controlled" },
      onStateChange: new Event<[string]>(),
      dataReceiver: (): void => undefined,
      sendData: (packet: Buffer): Promise<void> => {
        if (!this.#isClosed) listener.onSend(packet);
        return Promise.resolve();
      },
    };
    transport.setDtlsTransport(dtls as unknown as RTCSctpTransport["dtlsTransport"]);
    const discarded = new DiscardedInboundStream();
    this.#feed = guardSctp(transport, (count) =>
      count < MAX_CHANNELS ? new BoundedInboundStream(MAX_MESSAGE_SIZE, RECEIVE_WINDOW) : discarded,
    );
    transport.setRemoteMaxMessageSize(0);
    transport.onDataChannel.subscribe((channel) => this.#onChannel(channel, listener));
    transport.sctp.stateChanged.closed.subscribe(() => {
      if (!this.#isClosed && this.#channel) listener.onClosed();
    });
    transport.start(remotePort).catch(() => undefined);
  }

  /** Takes one decrypted packet; garbage is dropped. */
  receive(packet: Buffer): void {
    if (!this.#isClosed && isSaneSctp(packet, lastReceivedTsn(this.#transport))) this.#feed(packet);
  }

  /**
   * Sends one text.
   *
   * @returns false when the channel is not open or its buffer is full.
   * @throws {@link TransportError} when the text is longer than the other side takes.
   */
  send(text: string): boolean {
    const channel = this.#channel;
    if (channel?.readyState !== "open" || channel.bufferedAmount > MAX_BUFFERED) return false;
    const size = Buffer.byteLength(text);
    if (size > this.#maxRemoteMessageSize) {
      throw new TransportError(
        `A message of ${size} bytes is longer than the ${this.#maxRemoteMessageSize} bytes that the client takes. Send it in parts, or send a link.`,
      );
    }
    channel.send(text);
    return true;
  }

  /**
   * Aborts the association and frees its timers, once what was said last has arrived, or a moment
   * later. Safe to call twice.
   */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    await this.#farewell();
    await this.#transport.stop().catch(() => undefined);
    this.#isClosed = true;
  }

  async #farewell(): Promise<void> {
    const until = this.#clock.now() + FAREWELL_MS;
    while (
      this.#channel?.readyState === "open" &&
      unacknowledged(this.#transport) > 0 &&
      this.#clock.now() < until
    ) {
      await new Promise<void>((resolve) => {
        this.#clock.setTimeout(resolve, FAREWELL_LOOK_MS);
      });
    }
  }

  #isWanted(streamId: number, protocol: number, data: Buffer): boolean {
    const channels = this.#transport.dataChannels;
    if (protocol === DCEP)
      return streamId in channels || Object.keys(channels).length < MAX_CHANNELS;
    // Binary messages have no meaning here.
    return (
      protocol !== DISCARDED &&
      (protocol === STRING || protocol === STRING_EMPTY) &&
      data.length <= MAX_MESSAGE_SIZE
    );
  }

  #onChannel(channel: RTCDataChannel, listener: ChannelListener): void {
    channel.onMessage.subscribe((message) => {
      if (typeof message === "string") listener.onText(message);
    });
    if (this.#channel) return;
    this.#channel = channel;
    channel.stateChanged.subscribe((state) => {
      if (this.#isClosed) return;
      if (state === "open") listener.onOpen();
      else if (state === "closed") listener.onClosed();
    });
  }
}

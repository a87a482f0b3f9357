/**
 * An OpenAI Realtime client on WebRTC as a {@link Transport}: a WebRTC transport whose data channel
 * speaks Realtime events. Audio goes on the tracks, as it is.
 */

import type { ServerMessage } from "@fastrtc/protocol";

import type { Clock } from "../../media/clock.ts";
import type { AudioFormat, EncodedChunk } from "../../media/encoded-chunk.ts";
import type { Transport, TransportListener, TransportStats } from "../transport.ts";
import type { RealtimeControl } from "./realtime-control.ts";
import { RealtimeConversation } from "./realtime-conversation.ts";

/** What carries it. */
export interface RealtimeCarrier extends Transport {
  /** Sends one text on the data channel, or keeps it until that is open. */
  sendText(text: string): void;
}

/** What a {@link RealtimeWebRtcTransport} is made of. */
export interface RealtimeWebRtcTransportOptions {
  readonly carrier: RealtimeCarrier;
  /** The session's id, as the client is told. */
  readonly id: string;
  readonly model: string;
  /** A `session` object that came with the offer. */
  readonly session?: unknown;
  readonly clock: Clock;
}

/** One browser's Realtime session. */
export class RealtimeWebRtcTransport implements Transport {
  readonly kind = "webrtc";
  readonly inputFormat: AudioFormat | undefined;
  readonly outputFormat: AudioFormat | undefined;
  /** What is said with events. */
  readonly conversation: RealtimeConversation;
  readonly #carrier: RealtimeCarrier;
  #heardMs = 0;

  constructor(options: RealtimeWebRtcTransportOptions) {
    const { carrier, ...rest } = options;
    this.#carrier = carrier;
    this.inputFormat = carrier.inputFormat;
    this.outputFormat = carrier.outputFormat;
    this.conversation = new RealtimeConversation({
      ...rest,
      sendText: (text) => carrier.sendText(text),
      input: undefined,
      heardMs: () => this.#heardMs,
    });
  }

  open(listener: TransportListener): void {
    const { inputFormat } = this;
    const samplesPerMs = (inputFormat?.sampleRate ?? 48_000) / 1000;
    this.#carrier.open({
      onConnected: () => listener.onConnected(),
      onAudio: (chunk) => {
        this.#heardMs += chunk.durationSamples / samplesPerMs;
        listener.onAudio(chunk);
      },
      onMessage: (text) => this.conversation.receive(text),
      onClosed: (reason) => {
        this.conversation.close();
        listener.onClosed(reason);
      },
    });
  }

  /** Tells the client of its session as soon as it can be told. */
  start(control: RealtimeControl): void {
    this.conversation.start(control);
  }

  sendAudio(chunk: EncodedChunk): void {
    const samplesPerMs = (this.outputFormat?.sampleRate ?? 48_000) / 1000;
    if (chunk.data) this.conversation.addAudio(chunk.data, chunk.durationSamples / samplesPerMs);
    this.#carrier.sendAudio(chunk);
  }

  sendMessage(message: ServerMessage): void {
    this.conversation.tell(message);
  }

  clearAudio(): void {
    this.#carrier.clearAudio();
  }

  stats(): TransportStats {
    return this.#carrier.stats();
  }

  close(): Promise<void> {
    return this.#carrier.close();
  }
}

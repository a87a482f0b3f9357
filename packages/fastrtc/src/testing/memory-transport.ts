import type { ServerMessage } from "@fastrtc/protocol";

import type { AudioFormat, EncodedChunk } from "../media/encoded-chunk.ts";
import type {
  Transport,
  TransportCloseReason,
  TransportListener,
  TransportStats,
} from "../transport/transport.ts";

/** How a {@link MemoryTransport} carries audio. */
export interface MemoryTransportOptions {
  /** Rate of both directions in Hz. @defaultValue 48000 */
  readonly sampleRate?: number;
  /** Rate of what the caller gets, in Hz. @defaultValue `sampleRate` */
  readonly outputSampleRate?: number;
  /** Which way media flows, as the caller sees it. @defaultValue "send-receive" */
  readonly mode?: "send-receive" | "send" | "receive";
  /** Called with each chunk that the caller gets, at once. */
  readonly onAudio?: (chunk: EncodedChunk) => void;
  /** Called with each message that the caller gets, at once. */
  readonly onMessage?: (message: ServerMessage) => void;
}

/** A transport without a network: the test plays the caller. Audio is 16-bit mono PCM. */
export class MemoryTransport implements Transport {
  readonly kind = "memory";
  readonly inputFormat: AudioFormat | undefined;
  readonly outputFormat: AudioFormat | undefined;
  /** Every message that the caller got. */
  readonly messages: ServerMessage[] = [];
  /** Every chunk that the caller got. */
  readonly chunks: EncodedChunk[] = [];
  /** How often the caller was told to drop audio. */
  clears = 0;
  readonly #sampleRate: number;
  readonly #options: MemoryTransportOptions;
  #listener: TransportListener | undefined;
  #isClosed = false;
  #timestamp = 0;
  #sent = 0;

  constructor(options: MemoryTransportOptions = {}) {
    this.#options = options;
    this.#sampleRate = options.sampleRate ?? 48_000;
    const format: AudioFormat = { codec: "pcm16", sampleRate: this.#sampleRate, channels: 1 };
    this.inputFormat = options.mode === "receive" ? undefined : format;
    this.outputFormat =
      options.mode === "send"
        ? undefined
        : { ...format, sampleRate: options.outputSampleRate ?? this.#sampleRate };
  }

  /** Whether it has ended. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Everything that the caller heard so far, without the pauses between chunks. */
  get heard(): Int16Array {
    const parts = this.chunks.flatMap(({ data }) => (data ? [data] : []));
    const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
    let offset = 0;
    for (const part of parts) {
      bytes.set(part, offset);
      offset += part.length;
    }
    return new Int16Array(bytes.buffer);
  }

  open(listener: TransportListener): void {
    this.#listener = listener;
  }

  /** Lets media flow. */
  connect(): void {
    this.#listener?.onConnected();
  }

  /**
   * Says something: in chunks of 20 ms, all at once.
   *
   * @param samples - Mono, at the transport's rate.
   */
  speak(samples: Int16Array): void {
    const size = this.#sampleRate / 50;
    for (let at = 0; at < samples.length; at += size) {
      const part = samples.slice(at, at + size);
      this.#listener?.onAudio({
        data: new Uint8Array(part.buffer),
        timestamp: this.#timestamp,
        durationSamples: part.length,
      });
      this.#timestamp += part.length;
    }
  }

  /** Sends bytes as a chunk of 20 ms, whatever they are. */
  sendRaw(data: Uint8Array): void {
    const durationSamples = this.#sampleRate / 50;
    this.#listener?.onAudio({ data, timestamp: this.#timestamp, durationSamples });
    this.#timestamp += durationSamples;
  }

  /** Sends a text message. */
  sendText(text: string): void {
    this.#listener?.onMessage(text);
  }

  /** Goes away without a word, or for another reason. */
  disconnect(reason: TransportCloseReason = "lost"): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#listener?.onClosed(reason);
  }

  sendAudio(chunk: EncodedChunk): void {
    if (this.#isClosed) return;
    this.#sent++;
    this.chunks.push(chunk);
    this.#options.onAudio?.(chunk);
  }

  sendMessage(message: ServerMessage): void {
    if (this.#isClosed) return;
    this.messages.push(message);
    this.#options.onMessage?.(message);
  }

  clearAudio(): void {
    this.clears++;
  }

  stats(): TransportStats {
    return { chunksReceived: 0, chunksLost: 0, chunksSent: this.#sent };
  }

  close(): Promise<void> {
    this.disconnect("local");
    return Promise.resolve();
  }
}

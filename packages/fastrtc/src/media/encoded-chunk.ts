/** What passes between a transport and a codec. */

/** The codecs that transports carry. */
export type AudioCodec = "opus" | "mulaw" | "alaw" | "pcm16";

/** How a transport's audio is encoded, one direction. */
export interface AudioFormat {
  /** The codec of every chunk. */
  readonly codec: AudioCodec;
  /** The codec's clock in Hz; 48,000 for Opus, whatever rate it carries. */
  readonly sampleRate: number;
  /** 1 or 2. */
  readonly channels: 1 | 2;
}

/**
 * One encoded piece of audio, or the gap where one was lost.
 *
 * Chunks of a session are in order and without holes: the next one's `timestamp` is this one's plus
 * its `durationSamples`, except after the sender paused.
 */
export interface EncodedChunk {
  /** The encoded bytes; undefined where the piece was lost and must be concealed. */
  readonly data: Uint8Array | undefined;
  /**
   * For a lost piece: the bytes of the piece right after it, whose forward error correction may
   * describe this one (Opus in-band FEC, RFC 6716 section 2.1.7).
   */
  readonly fecData?: Uint8Array;
  /**
   * Set where time passed and nothing was sent or everything was lost, for so long that there is
   * nothing left to conceal from: `data` is undefined, and the piece is digital silence. A decoder
   * need not be asked.
   */
  readonly silence?: true;
  /** Position in samples of the format's clock, unwrapped to a plain increasing number. */
  readonly timestamp: number;
  /** Length in samples per channel of the format's clock. */
  readonly durationSamples: number;
}

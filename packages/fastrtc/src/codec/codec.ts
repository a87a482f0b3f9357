/**
 * Between encoded chunks and PCM. One codec instance serves one direction of one session; the
 * session frees it.
 */

/** Turns encoded chunks into interleaved 16-bit PCM. */
export interface AudioDecoder {
  /** Rate of the PCM in Hz. */
  readonly sampleRate: number;
  /** Channels of the PCM, interleaved. */
  readonly channels: 1 | 2;
  /**
   * Decodes one chunk. The result is a view that the next call overwrites.
   *
   * @throws {@link CodecError} when the bytes are not a valid chunk; the decoder stays usable.
   */
  decode(data: Uint8Array): Int16Array;
  /**
   * Fills the gap of a lost chunk. The result is a view that the next call overwrites.
   *
   * @param durationSamples - The gap in samples per channel at {@link AudioDecoder.sampleRate}.
   * @param fecData - The chunk right after the gap, when its error correction may help.
   */
  conceal(durationSamples: number, fecData?: Uint8Array): Int16Array;
  /** Gives the decoder's memory back. Further calls throw. */
  free(): void;
}

/** Turns interleaved 16-bit PCM into encoded chunks. */
export interface AudioEncoder {
  /** Rate of the PCM in Hz. */
  readonly sampleRate: number;
  /** Channels of the PCM, interleaved. */
  readonly channels: 1 | 2;
  /** Samples per channel that each {@link AudioEncoder.encode} takes. */
  readonly frameSamples: number;
  /**
   * Encodes one frame. The result is the caller's own copy.
   *
   * @param samples - Exactly `frameSamples * channels` values.
   * @throws {@link CodecError} for any other length.
   */
  encode(samples: Int16Array): Uint8Array;
  /** Tells the encoder how much of what it sends is lost, 0 to 100 percent, to size its FEC. */
  setPacketLoss(percent: number): void;
  /** Forgets the past: for use after a pause in the stream. */
  reset(): void;
  /** Gives the encoder's memory back. Further calls throw. */
  free(): void;
}

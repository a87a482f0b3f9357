/** The contract of voice activity detection: a window of sound in, a probability out. */

/** Samples in one window: 32 ms at {@link VAD_SAMPLE_RATE}. */
export const VAD_WINDOW_SAMPLES = 512;
/** Rate in Hz of the audio that a detector reads. */
export const VAD_SAMPLE_RATE = 16_000;

/** Says of each window how likely it holds speech. One detector serves one session. */
export interface VoiceActivityDetector {
  /**
   * Reads the next window and returns the probability of speech in it, 0 to 1.
   *
   * @param window - {@link VAD_WINDOW_SAMPLES} mono samples at {@link VAD_SAMPLE_RATE}, -1 to 1.
   */
  process(window: Float32Array): number;
  /** Forgets what was heard so far. */
  reset(): void;
}

/** Makes a detector for each session. */
export type VoiceActivityDetectorFactory = () => VoiceActivityDetector;

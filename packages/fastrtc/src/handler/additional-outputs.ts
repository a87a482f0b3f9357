/**
 * Carries values beside the audio: yield it from a reply or return it from `emit()`, and clients
 * receive the values at once, ahead of audio that still waits to be played.
 */
export class AdditionalOutputs<A extends readonly unknown[] = readonly unknown[]> {
  /** The values, as given. */
  readonly args: A;

  /** @param args - Anything that JSON can carry. */
  constructor(...args: A) {
    this.args = args;
  }
}

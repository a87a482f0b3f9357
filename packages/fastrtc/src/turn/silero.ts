/**
 * Silero VAD v6: in comes a window of 32 ms, out goes the probability of speech in it.
 *
 * Called by the turn detector for every window of every session, so it must cost next to nothing:
 * about 20 µs, no allocation. All sessions of a thread share one WebAssembly instance and one copy
 * of the weights; a session owns 1,280 bytes of state, which visit the instance for a window.
 */

import { InvalidOptionError } from "../errors.ts";
import {
  loadSileroKernel,
  loadSileroKernelInBackground,
  SILERO_STATE_LENGTH,
  type SileroKernel,
} from "./silero-kernel.ts";
import { VAD_WINDOW_SAMPLES, type VoiceActivityDetector } from "./voice-activity.ts";

/** Windows after which V8 has compiled the kernel with its optimising compiler. */
const WARM_UP_WINDOWS = 200;
/** How long one slice of the warm-up may hold the event loop. */
const WARM_UP_SLICE_MS = 1;

/**
 * Makes a detector for one session that runs Silero VAD v6.
 *
 * The first detector of a thread loads the model, which holds the event loop for about 2 ms, and the
 * first windows run in unoptimised code: await {@link warmUpSileroVad} before taking calls.
 *
 * Samples that are not finite, or beyond ±1,000,000, count as silence.
 *
 * @throws {@link InvalidStateError} if the package's assets are not there.
 */
export function createSileroVad(): VoiceActivityDetector {
  return new SileroVad(loadSileroKernel());
}

let warmingUp: Promise<void> | undefined;

/**
 * Loads the model and lets V8 optimise it, in small slices between other work.
 *
 * Call it once, when the server starts. Further calls return the same promise, unless it failed.
 *
 * @throws {@link InvalidStateError} if the package's assets are not there.
 */
export function warmUpSileroVad(): Promise<void> {
  warmingUp ??= warmUp().catch((error: unknown) => {
    warmingUp = undefined;
    throw error;
  });
  return warmingUp;
}

async function warmUp(): Promise<void> {
  const vad = new SileroVad(await loadSileroKernelInBackground());
  const silence = new Float32Array(VAD_WINDOW_SAMPLES);
  let remaining = WARM_UP_WINDOWS;
  while (remaining > 0) {
    await new Promise((resolve) => setImmediate(resolve));
    const sliceEnd = performance.now() + WARM_UP_SLICE_MS;
    do vad.process(silence);
    while (--remaining > 0 && performance.now() < sliceEnd);
  }
}

class SileroVad implements VoiceActivityDetector {
  readonly #kernel: SileroKernel;
  readonly #state = new Float32Array(SILERO_STATE_LENGTH);

  constructor(kernel: SileroKernel) {
    this.#kernel = kernel;
  }

  process(window: Float32Array): number {
    if (window.length !== VAD_WINDOW_SAMPLES) {
      throw new InvalidOptionError(
        "window",
        window,
        `Give exactly ${VAD_WINDOW_SAMPLES} samples at 16 kHz, not ${window.length}.`,
      );
    }
    const kernel = this.#kernel;
    kernel.state.set(this.#state);
    kernel.samples.set(window);
    kernel.processWindow();
    this.#state.set(kernel.state);
    return kernel.probability[0] ?? 0;
  }

  reset(): void {
    this.#state.fill(0);
  }
}

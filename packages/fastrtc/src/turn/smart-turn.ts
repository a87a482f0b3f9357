/**
 * smart-turn v3: tells from the sound of the last eight seconds whether the speaker has finished.
 *
 * The weights are not part of this package: they are a file that you download. Features and
 * inference run in one worker thread that all sessions of the process share.
 */

import { statSync } from "node:fs";
import { createRequire } from "node:module";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";

import { InvalidOptionError, InvalidStateError } from "../errors.ts";
import { startWorker } from "../media/start-worker.ts";
import type { EndOfTurnModel } from "./end-of-turn.ts";
import { SMART_TURN_SAMPLES } from "./smart-turn-features.ts";
import { INSTALL_ONNXRUNTIME, SMART_TURN_DOWNLOAD, SmartTurnThread } from "./smart-turn-thread.ts";

/** Options of {@link createSmartTurn}. */
export interface SmartTurnOptions {
  /**
   * The model's file, `smart-turn-v3.2-cpu.onnx` or another version 3 with the same input and
   * output; a relative path begins at the working directory.
   */
  readonly modelPath: string | URL;
}

/** A model that can be loaded before the first call. */
export interface SmartTurnModel extends EndOfTurnModel {
  /**
   * Starts the thread, loads the model and runs it twice, so that the first turn need not wait.
   *
   * @throws `InvalidStateError` when onnxruntime-node cannot be loaded.
   * @throws `InvalidOptionError` for a file that is no such model.
   */
  warmUp(): Promise<void>;
}

const thread = new SmartTurnThread(() =>
  startWorker("./smart-turn-worker", import.meta.url, { name: "fastrtc-smart-turn" }),
);

/**
 * Makes an end-of-turn model of smart-turn v3, which needs the package `onnxruntime-node`.
 *
 * One serves all sessions; those that are made of the same file share it. Nothing is loaded before
 * the first prediction, or {@link SmartTurnModel.warmUp}.
 *
 * @example
 * ```ts
 * import { createSmartTurn } from "fastrtc/smart-turn";
 *
 * const endOfTurn = createSmartTurn({ modelPath: "models/smart-turn-v3.2-cpu.onnx" });
 * await endOfTurn.warmUp();
 * ```
 * @throws `InvalidOptionError` when there is no such file.
 * @throws `InvalidStateError` when onnxruntime-node is not installed.
 */
export function createSmartTurn(options: SmartTurnOptions): SmartTurnModel {
  const modelPath = checkModelPath(options.modelPath);
  checkRuntime();
  return {
    predict: ({ audio }, { signal }) =>
      // A copy, which the thread takes over: the session goes on writing into its own.
      thread.predict(modelPath, new Float32Array(audio.subarray(-SMART_TURN_SAMPLES)), signal),
    warmUp: async () => {
      await thread.predict(modelPath, undefined);
    },
  };
}

function checkModelPath(given: unknown): string {
  if (!(typeof given === "string" || given instanceof URL) || String(given) === "") {
    throw new InvalidOptionError("modelPath", given, SMART_TURN_DOWNLOAD);
  }
  const path = resolve(given instanceof URL ? fileURLToPath(given) : given);
  if (!statSync(path, { throwIfNoEntry: false })?.isFile()) {
    throw new InvalidOptionError(
      "modelPath",
      String(given),
      `There is no file ${path}. ${SMART_TURN_DOWNLOAD}`,
    );
  }
  return path;
}

// Here, so that a server fails when it starts and not in its first call.
function checkRuntime(): void {
  try {
    createRequire(import.meta.url).resolve("onnxruntime-node");
  } catch (cause) {
    throw new InvalidStateError(
      `smart-turn needs onnxruntime-node, which is not installed. ${INSTALL_ONNXRUNTIME}`,
      { cause },
    );
  }
}

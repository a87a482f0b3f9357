/**
 * The thread that speaks with flite: one clause after the other.
 *
 * Each clause holds its thread for as long as it takes, which is why it does not run where packets
 * are sent.
 */

import { readFile } from "node:fs/promises";
import { parentPort } from "node:worker_threads";
import type { MessagePort } from "node:worker_threads";

import { decodeWav } from "../../media/wav.ts";
import { webAssembly } from "../../media/webassembly.ts";
import { runFlite } from "./flite-wasi.ts";

/** What the worker is asked. */
export interface FliteRequest {
  readonly id: number;
  /** Where `flite.wasm` is. */
  readonly wasmPath: string;
  /** Command line options, without the output file. */
  readonly options: readonly string[];
}

/** What the worker answers. */
export type FliteResponse =
  | {
      readonly id: number;
      readonly samples: Int16Array<ArrayBuffer>;
      readonly sampleRate: number;
    }
  | { readonly id: number; readonly reason: string };

let compiled: Promise<object> | undefined;

async function answer({ id, wasmPath, options }: FliteRequest): Promise<FliteResponse> {
  try {
    compiled ??= readFile(wasmPath).then((bytes) => webAssembly.compile(bytes));
    const { samples, sampleRate } = decodeWav(runFlite(await compiled, options));
    return { id, samples: new Int16Array(samples), sampleRate };
  } catch (error) {
    compiled = undefined;
    return { id, reason: error instanceof Error ? error.message : String(error) };
  }
}

function serve(port: MessagePort): void {
  port.on("message", (request: FliteRequest) => {
    void answer(request).then((response) => {
      const transfer = "samples" in response ? [response.samples.buffer] : [];
      port.postMessage(response, transfer);
    });
  });
}

if (parentPort) serve(parentPort);

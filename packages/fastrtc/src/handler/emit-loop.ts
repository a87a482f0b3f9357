/** Pulls a {@link StreamHandler}'s `emit()` for as long as its session lives. */

import { runInContext } from "../session/context/context.ts";
import { sortOutput } from "./handler-output.ts";
import type { HandlerOutput } from "./handler-output.ts";
import type { HandlerPort } from "./handler-port.ts";
import { MacrotaskYield } from "./macrotask-yield.ts";
import type { StreamHandler } from "./stream-handler.ts";

/** How long a handler that had nothing to say is left alone, in milliseconds. */
const IDLE_MS = 20;
/** How long a handler whose `emit()` threw is left alone, in milliseconds. */
const ERROR_MS = 500;

/**
 * Sends what a handler emits until the session ends. An `emit()` that throws is reported, and asked
 * again half a second later.
 */
export async function runEmitLoop(handler: StreamHandler, port: HandlerPort): Promise<void> {
  const { signal } = port.context;
  const others = new MacrotaskYield();
  while (!signal.aborted) {
    try {
      const output = await emit(handler, port);
      if (isAborted(signal)) return;
      const isIdle = output === undefined || output === null;
      if (isIdle) port.flush();
      const wait = isIdle ? sleep(port, IDLE_MS) : send(output, port);
      if (wait) await wait;
      const pause = others.check();
      if (pause) await pause;
    } catch (error) {
      if (isAborted(signal)) return;
      port.reportError(error);
      await sleep(port, ERROR_MS);
    }
  }
}

function emit(handler: StreamHandler, port: HandlerPort): HandlerOutput | Promise<HandlerOutput> {
  return runInContext(port.context, () => handler.emit());
}

function send(output: HandlerOutput, port: HandlerPort): Promise<void> | undefined {
  const { audio, outputs, close } = sortOutput(output);
  if (outputs) port.output(outputs);
  if (close) port.closeStream(close);
  return audio && audio.sampleCount > 0 ? port.write(audio) : undefined;
}

function sleep(port: HandlerPort, durationMs: number): Promise<void> {
  const { signal } = port.context;
  return new Promise((resolve) => {
    const timer = port.clock.setTimeout(done, durationMs);
    signal.addEventListener("abort", done, { once: true });
    function done(): void {
      timer.cancel();
      signal.removeEventListener("abort", done);
      resolve();
    }
  });
}

// A function, because the compiler believes that what was false before an await is false after it.
function isAborted(signal: AbortSignal): boolean {
  return signal.aborted;
}

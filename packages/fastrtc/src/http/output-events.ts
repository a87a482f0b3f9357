import type { Clock, Timer } from "../media/clock.ts";
import type { Logger } from "../observe/logger.ts";

/** Shapes {@link outputEvents}. */
export interface OutputEventsOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Silence in milliseconds after which a comment is sent, so that no proxy hangs up. */
  readonly heartbeatMs: number;
  /** Stops the service's iterable; aborted when the client has gone. */
  readonly subscription: AbortController;
}

// How long a browser waits before it connects again, in milliseconds.
const RETRY_MS = 2_000;

const HEADERS = {
  "content-type": "text/event-stream; charset=utf-8",
  // no-transform keeps compression middleware from holding events back.
  "cache-control": "no-cache, no-transform",
  "x-accel-buffering": "no",
};

/**
 * Streams additional outputs as server-sent events, the way FastRTC's clients listen for them.
 *
 * `data` is the JSON of the only argument, or of the array when there are several or none. It pulls
 * one output at a time, and only when the client has taken the last one: a slow client holds back
 * the iterable, not our memory.
 *
 * @param outputs - The arguments of each output; the response ends when it does.
 */
export function outputEvents(
  outputs: AsyncIterable<readonly unknown[]>,
  options: OutputEventsOptions,
): Response {
  const { clock, logger, heartbeatMs, subscription } = options;
  const iterator = outputs[Symbol.asyncIterator]();
  const encoder = new TextEncoder();
  let id = 0;
  let ended = false;
  let heartbeat: Timer | undefined;

  function beatLater(controller: ReadableStreamDefaultController<Uint8Array>): void {
    heartbeat?.cancel();
    heartbeat = clock.setTimeout(() => {
      // A client that does not read what it has needs no sign of life.
      if ((controller.desiredSize ?? 0) > 0) controller.enqueue(encoder.encode(":\n\n"));
      beatLater(controller);
    }, heartbeatMs);
  }

  function end(controller?: ReadableStreamDefaultController<Uint8Array>): void {
    if (ended) return;
    ended = true;
    heartbeat?.cancel();
    controller?.close();
  }

  async function leave(): Promise<void> {
    try {
      // A generator that waits takes the return when its wait ends, which the abort brings about.
      await iterator.return?.();
    } catch (error) {
      logger.debug("The outputs of a session failed to stop.", { error });
    }
  }

  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      controller.enqueue(encoder.encode(`retry: ${RETRY_MS}\n\n`));
      beatLater(controller);
      const stop = (): void => {
        end(controller);
        void leave();
      };
      if (subscription.signal.aborted) stop();
      else subscription.signal.addEventListener("abort", stop, { once: true });
    },
    async pull(controller) {
      try {
        let data: string | undefined;
        while (data === undefined) {
          const output = await iterator.next();
          if (ended) return;
          if (output.done === true) {
            end(controller);
            return;
          }
          data = serialize(output.value, logger);
        }
        id += 1;
        controller.enqueue(encoder.encode(`id: ${id}\nevent: output\ndata: ${data}\n\n`));
        beatLater(controller);
      } catch (error) {
        if (ended) return;
        // The status has gone out long ago; ending is all that is left, and the browser asks anew.
        logger.error("The outputs of a session broke off.", { error });
        end(controller);
      }
    },
    cancel() {
      end();
      subscription.abort();
    },
  });
  return new Response(body, { headers: HEADERS });
}

function serialize(args: readonly unknown[], logger: Logger): string | undefined {
  try {
    // Undefined and functions have no JSON. Line breaks are escaped, so one data line holds it all.
    const text = JSON.stringify(args.length === 1 ? args[0] : args) as string | undefined;
    return text ?? "null";
  } catch (error) {
    logger.warn("An additional output was dropped: it cannot be written as JSON.", { error });
    return undefined;
  }
}

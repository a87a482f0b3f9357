/** Runs one generator from a session's beginning to its end: the handler of `mode: "receive"`. */

import type { AudioFrame } from "../media/audio-frame.ts";
import { Reply } from "./reply.ts";
import type { StartupFunction } from "./reply-on-pause.ts";
import { StreamHandlerBase } from "./stream-handler.ts";
import type { StreamHandlerOptions } from "./stream-handler.ts";

/** Plays what a generator yields to a caller who only listens. */
export class GeneratorHandler extends StreamHandlerBase {
  readonly #generate: StartupFunction;
  readonly #options: StreamHandlerOptions;

  /** @param generate - Called once a session. */
  constructor(generate: StartupFunction, options: StreamHandlerOptions = {}) {
    super(options);
    this.#generate = generate;
    this.#options = options;
  }

  override copy(): GeneratorHandler {
    return new GeneratorHandler(this.#generate, this.#options);
  }

  override receive(_frame: AudioFrame): void {
    // The caller only listens.
  }

  override startUp(): void {
    const nobody = (): void => undefined;
    const reply = new Reply(this.port, {
      index: 0,
      timings: {},
      eager: false,
      transcript: undefined,
      listener: {
        onAudible: nobody,
        onFinished: nobody,
        onFailed: nobody,
        onUninterruptible: nobody,
        onText: nobody,
      },
    });
    this.port.context.signal.addEventListener("abort", () => reply.interrupt(), { once: true });
    void reply.run(this.#generate);
  }
}

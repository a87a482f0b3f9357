/** Says back what it hears, frame by frame, and tells whoever watches whose frames they were. */

import { AsyncQueue, getContext, StreamHandler, type AudioFrame } from "fastrtc";

/** Sees what every session of an {@link EchoHandler} does. */
export interface EchoWatcher {
  /** Called in the session's context, for each of the caller's frames. */
  onReceive?(frame: AudioFrame, webrtcId: string | undefined, args: unknown): void;
  /** Called in the session's context, for each frame that is said back. */
  onEmit?(webrtcId: string | undefined): void;
  /** Called when a session has ended. */
  onShutdown?(webrtcId: string | undefined): void;
}

/** A plain StreamHandler. */
export class EchoHandler extends StreamHandler {
  readonly #frames = new AsyncQueue<AudioFrame>();
  readonly #watcher: EchoWatcher;

  constructor(watcher: EchoWatcher = {}) {
    super();
    this.#watcher = watcher;
  }

  override copy(): EchoHandler {
    return new EchoHandler(this.#watcher);
  }

  override receive(frame: AudioFrame): void {
    this.#watcher.onReceive?.(frame, getContext()?.webrtcId, this.latestArgs);
    this.#frames.put(frame);
  }

  override async emit(): Promise<AudioFrame | undefined> {
    const frame = await this.#frames.get({ timeoutMs: 100 });
    if (frame) this.#watcher.onEmit?.(getContext()?.webrtcId);
    return frame;
  }

  override shutdown(): void {
    this.#watcher.onShutdown?.(getContext()?.webrtcId);
    this.#frames.close();
  }
}

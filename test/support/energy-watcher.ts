/** Measures what a test's {@link EchoHandler} hears, and keeps the inputs that it sees. */

import type { AudioFrame } from "fastrtc";
import type { EchoWatcher } from "./echo-handler.ts";

/** Louder than any codec's noise, softer than speech. */
const LOUD = 1000;

/** Watches the sessions of one handler together. */
export class EnergyWatcher implements EchoWatcher {
  /** Frames since the last reset. */
  frames = 0;
  /** The highest sample since the last reset. */
  peak = 0;
  /** The inputs that the last frame saw. */
  args: { readonly volume?: number; readonly voice?: string; readonly name?: string } = {};
  /** The ids of sessions that have ended. */
  readonly ended: (string | undefined)[] = [];

  /** Whether something loud was heard since the last reset. */
  get isLoud(): boolean {
    return this.peak > LOUD;
  }

  reset(): void {
    this.frames = 0;
    this.peak = 0;
  }

  onReceive(frame: AudioFrame, _webrtcId: string | undefined, args: unknown): void {
    this.frames++;
    this.args = args as EnergyWatcher["args"];
    this.peak = frame.samples.reduce((peak, value) => Math.max(peak, Math.abs(value)), this.peak);
  }

  onShutdown(webrtcId: string | undefined): void {
    this.ended.push(webrtcId);
  }
}

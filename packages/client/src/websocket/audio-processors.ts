import type { createPlayoutQueue, PlayoutStatus } from "./playout-queue.ts";

/** How the two processors are called. */
export const CAPTURE = "fastrtc-capture";
export const PLAYER = "fastrtc-player";

/** What a player's node says to its processor: audio, or to drop what waits. */
export type PlayerCommand = Int16Array | "clear";

/** What a player's processor says to its node. */
export type PlayerReport = PlayoutStatus;

// TypeScript's DOM has none of what exists inside an audio worklet.
interface Processor {
  readonly port: MessagePort;
}
type ProcessorClass = new (options: AudioWorkletNodeOptions) => Processor;
declare const AudioWorkletProcessor: new () => Processor;
declare const sampleRate: number;
declare function registerProcessor(name: string, processor: ProcessorClass): void;

/**
 * Registers the processors of microphone and loudspeaker; runs inside an audio worklet.
 *
 * There it may arrive as text, so it must not refer to anything outside itself, nor use what older
 * build targets rewrite with helpers of theirs, as private fields.
 *
 * @param createQueue - {@link createPlayoutQueue}.
 */
export function registerAudioProcessors(createQueue: typeof createPlayoutQueue): void {
  // 20 ms: what a codec would take, and few enough messages.
  const frameLength = Math.round(sampleRate / 50);

  class Capture extends AudioWorkletProcessor {
    declare frame: Int16Array;
    declare filled: number;

    constructor() {
      super();
      this.frame = new Int16Array(frameLength);
      this.filled = 0;
    }

    process(inputs: Float32Array[][]): boolean {
      const channel = inputs[0]?.[0];
      if (channel === undefined) return true;
      for (const sample of channel) {
        this.frame[this.filled] = Math.round(Math.max(-1, Math.min(1, sample)) * 32_767);
        this.filled += 1;
        if (this.filled < frameLength) continue;
        this.port.postMessage(this.frame, [this.frame.buffer]);
        this.frame = new Int16Array(frameLength);
        this.filled = 0;
      }
      return true;
    }
  }

  class Player extends AudioWorkletProcessor {
    declare queue: ReturnType<typeof createPlayoutQueue>;
    declare isOver: boolean;
    declare blocks: number;
    declare wasActive: boolean;

    constructor(options: AudioWorkletNodeOptions) {
      super();
      const { isPaced } = options.processorOptions as { isPaced: boolean };
      this.queue = createQueue(sampleRate, isPaced);
      this.isOver = false;
      this.blocks = 0;
      this.wasActive = true;
      this.port.onmessage = ({ data }: MessageEvent<PlayerCommand | "close">) => {
        if (data === "clear") this.queue.clear();
        else if (data === "close") this.isOver = true;
        else this.queue.push(data);
      };
    }

    process(_inputs: Float32Array[][], outputs: Float32Array[][]): boolean {
      const block = outputs[0]?.[0];
      if (block !== undefined) this.queue.pull(block);
      this.blocks += 1;
      // Each 20 ms, and while nothing plays only once.
      if (this.blocks * 128 >= frameLength) {
        this.blocks = 0;
        const report = this.queue.status();
        const isActive = report.queuedMs > 0 || report.level > 0;
        if (isActive || this.wasActive) this.port.postMessage(report);
        this.wasActive = isActive;
      }
      return !this.isOver;
    }
  }

  registerProcessor("fastrtc-capture", Capture);
  registerProcessor("fastrtc-player", Player);
}

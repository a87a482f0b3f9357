import { FastRTCClientError } from "../client-error.ts";
import { CAPTURE, PLAYER, registerAudioProcessors, type PlayerReport } from "./audio-processors.ts";
import { createPlayoutQueue } from "./playout-queue.ts";

/** What an {@link AudioGraph} is made of. */
export interface AudioGraphOptions {
  /** The rate to work at, in Hz. */
  readonly sampleRate: number;
  /** What it will record from; its browser may know one rate only. */
  readonly microphone?: MediaStream | undefined;
  /** Where the page serves the worklet's module; made here when left out. */
  readonly workletUrl?: string | URL | undefined;
}

/**
 * One audio context with the processors of `audio-processors.ts`: samples of the microphone come out
 * of it, samples for the loudspeaker go into it.
 */
export class AudioGraph {
  readonly #context: AudioContext;
  #source: MediaStreamAudioSourceNode | undefined;
  #capture: AudioWorkletNode | undefined;
  #player: AudioWorkletNode | undefined;
  #report: PlayerReport = { queuedMs: 0, prebufferMs: 0, level: 0 };

  private constructor(context: AudioContext, source: MediaStreamAudioSourceNode | undefined) {
    this.#context = context;
    this.#source = source;
  }

  /**
   * Opens the browser's audio.
   *
   * @throws {@link FastRTCClientError} `insecure-context` where browsers have no worklets, and
   * `unsupported` when the page does not let one be loaded.
   */
  static async open(options: AudioGraphOptions): Promise<AudioGraph> {
    const graph = AudioGraph.#create(options);
    try {
      await addModule(graph.#context, options.workletUrl);
    } catch (error) {
      graph.close();
      throw error;
    }
    // Made before the user's first click it starts suspended.
    if (graph.#context.state === "suspended") void graph.resume();
    return graph;
  }

  static #create({ sampleRate, microphone }: AudioGraphOptions): AudioGraph {
    const context = new AudioContext({ sampleRate, latencyHint: "interactive" });
    if (microphone === undefined) return new AudioGraph(context, undefined);
    try {
      return new AudioGraph(context, context.createMediaStreamSource(microphone));
    } catch {
      // Web Audio leaves it open whether a microphone may be at another rate than its context.
      context.close().catch(() => undefined);
      const own = new AudioContext({ latencyHint: "interactive" });
      return new AudioGraph(own, own.createMediaStreamSource(microphone));
    }
  }

  /** The rate that it works at, in Hz. */
  get sampleRate(): number {
    return this.#context.sampleRate;
  }

  /** What the player said last. */
  get report(): PlayerReport {
    return this.#report;
  }

  /** How long audio takes from the player to the ear, in milliseconds, as far as browsers tell. */
  get outputDelayMs(): number {
    const { baseLatency, outputLatency } = this.#context as Partial<AudioContext>;
    return ((baseLatency ?? 0) + (outputLatency ?? 0)) * 1000;
  }

  /** Records: gives 16-bit samples, 20 ms at a time. */
  capture(onSamples: (samples: Int16Array) => void): void {
    const node = new AudioWorkletNode(this.#context, CAPTURE, {
      channelCount: 1,
      channelCountMode: "explicit",
    });
    node.port.onmessage = ({ data }: MessageEvent<Int16Array>) => {
      onSamples(data);
    };
    this.#source?.connect(node);
    // It says nothing, but a node that leads nowhere may not be run.
    node.connect(this.#context.destination);
    this.#capture = node;
  }

  /** Records from another microphone. */
  setMicrophone(microphone: MediaStream): void {
    const source = this.#context.createMediaStreamSource(microphone);
    this.#source?.disconnect();
    this.#source = source;
    if (this.#capture !== undefined) source.connect(this.#capture);
  }

  /**
   * Begins to play, in place of what played before.
   *
   * @param isPaced - Whether audio comes as fast as it is played.
   * @returns what to listen to.
   */
  play(isPaced: boolean): MediaStream {
    const node = new AudioWorkletNode(this.#context, PLAYER, {
      numberOfInputs: 0,
      outputChannelCount: [1],
      processorOptions: { isPaced },
    });
    node.port.onmessage = ({ data }: MessageEvent<PlayerReport>) => {
      this.#report = data;
    };
    // Not straight to the loudspeaker: an element can change its device, and an echo canceller
    // hears it.
    const destination = new MediaStreamAudioDestinationNode(this.#context, { channelCount: 1 });
    node.connect(destination);
    this.#stopPlayer();
    this.#player = node;
    return destination.stream;
  }

  /** Queues samples for playing. They belong to the player then. */
  push(samples: Int16Array<ArrayBuffer>): void {
    this.#player?.port.postMessage(samples, [samples.buffer]);
  }

  /** Drops what has not been played. */
  clear(): void {
    this.#player?.port.postMessage("clear");
  }

  /** Whether it runs: browsers may want a click first. */
  get isRunning(): boolean {
    return this.#context.state === "running";
  }

  /** Tries to run. Where the browser wants a click first, the promise may wait for that. */
  async resume(): Promise<void> {
    await this.#context.resume().catch(() => undefined);
  }

  /** Gives the browser's audio back. */
  close(): void {
    if (this.#capture !== undefined) this.#capture.port.onmessage = null;
    this.#stopPlayer();
    this.#source?.disconnect();
    this.#context.close().catch(() => undefined);
  }

  #stopPlayer(): void {
    this.#player?.port.postMessage("close");
    this.#player?.disconnect();
  }
}

async function addModule(context: AudioContext, url: string | URL | undefined): Promise<void> {
  const worklet = (context as Partial<AudioContext>).audioWorklet;
  if (worklet === undefined) {
    throw new FastRTCClientError(
      "insecure-context",
      "Browsers give a WebSocket session its audio only on pages of https:// or http://localhost.",
    );
  }
  const ownUrl = url === undefined ? createModule() : undefined;
  try {
    await worklet.addModule(ownUrl ?? url ?? "");
  } catch (error) {
    throw new FastRTCClientError(
      "unsupported",
      "The browser did not load the audio worklet. The page's content security policy must let scripts come from blob:, or `websocket.workletUrl` must name a copy of @fastrtc/client/audio-worklet.",
      { cause: error },
    );
  } finally {
    if (ownUrl !== undefined) URL.revokeObjectURL(ownUrl);
  }
}

/** Makes the worklet's module of the functions themselves, so that no extra file must be served. */
function createModule(): string {
  const source = `(${registerAudioProcessors.toString()})(${createPlayoutQueue.toString()})`;
  return URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
}

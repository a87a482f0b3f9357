/** The part of `sherpa-onnx-node` that is used, so that our own types do not need it installed. */

import { createRequire } from "node:module";

import { InvalidStateError } from "../../errors.ts";

/** Sound as sherpa takes and gives it. */
export interface SherpaAudio {
  readonly samples: Float32Array;
  readonly sampleRate: number;
}

/** What was recognised. */
export interface SherpaResult {
  readonly text: string;
  readonly tokens?: readonly string[];
  /** In seconds. */
  readonly timestamps?: readonly number[];
}

/** One utterance. */
export interface SherpaStream {
  acceptWaveform(audio: SherpaAudio): void;
  inputFinished?(): void;
}

/** Recognises whole utterances. */
export interface SherpaOfflineRecognizer {
  createStream(): SherpaStream;
  decodeAsync(stream: SherpaStream): Promise<SherpaResult>;
}

/** Recognises speech while it comes. */
export interface SherpaOnlineRecognizer {
  createStream(): SherpaStream;
  isReady(stream: SherpaStream): boolean;
  decode(stream: SherpaStream): void;
  isEndpoint(stream: SherpaStream): boolean;
  reset(stream: SherpaStream): void;
  getResult(stream: SherpaStream): SherpaResult;
}

/** A voice. */
export interface SherpaVoice {
  readonly numSpeakers: number;
  generateAsync(request: {
    readonly text: string;
    readonly sid: number;
    readonly speed: number;
    readonly enableExternalBuffer: boolean;
    readonly onProgress: () => boolean;
  }): Promise<SherpaAudio>;
}

/** The package. */
export interface SherpaModule {
  readonly OfflineRecognizer: { createAsync(config: object): Promise<SherpaOfflineRecognizer> };
  readonly OnlineRecognizer: new (config: object) => SherpaOnlineRecognizer;
  readonly OfflineTts: { createAsync(config: object): Promise<SherpaVoice> };
}

const INSTALL = 'Run "npm install sherpa-onnx-node".';

/**
 * Looks whether the package is there, so that a server fails when it starts and not in its first
 * session.
 *
 * @throws {@link InvalidStateError} when it is not.
 */
export function checkSherpa(): void {
  try {
    createRequire(import.meta.url).resolve("sherpa-onnx-node");
  } catch (cause) {
    throw new InvalidStateError(
      `Local models need the package sherpa-onnx-node, which is not installed. ${INSTALL}`,
      { cause },
    );
  }
}

/** Loads the package. */
export async function loadSherpa(): Promise<SherpaModule> {
  try {
    // It has no types of its own.
    const name = "sherpa-onnx-node";
    const loaded = (await import(name)) as { readonly default: SherpaModule };
    return loaded.default;
  } catch (cause) {
    throw new InvalidStateError(
      `The package sherpa-onnx-node cannot be loaded: it may have no build for this machine. ${INSTALL}`,
      { cause },
    );
  }
}

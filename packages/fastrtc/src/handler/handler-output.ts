/** What a handler may yield or return, and how each kind is told apart. */

import { HandlerError } from "../errors.ts";
import { AudioFrame } from "../media/audio-frame.ts";
import type { AudioInput } from "../media/audio-frame.ts";
import { AdditionalOutputs } from "./additional-outputs.ts";
import { CloseStream } from "./close-stream.ts";

/**
 * What a reply may yield and `emit()` may return: audio (a frame or FastRTC's tuple), values for the
 * client, both at once, the end of the session, or nothing.
 */
export type HandlerOutput =
  | AudioInput
  | AdditionalOutputs
  | readonly [audio: AudioInput, outputs: AdditionalOutputs]
  | CloseStream
  | null
  | undefined;

/** A {@link HandlerOutput}, sorted. */
export interface SortedOutput {
  readonly audio?: AudioFrame;
  readonly outputs?: AdditionalOutputs;
  readonly close?: CloseStream;
}

const NOTHING: SortedOutput = Object.freeze({});

/**
 * Sorts what a handler gave.
 *
 * @throws {@link HandlerError} when it is none of the kinds, saying what it was.
 */
export function sortOutput(output: HandlerOutput): SortedOutput {
  if (output === undefined || output === null) return NOTHING;
  if (output instanceof AudioFrame) return { audio: output };
  if (output instanceof AdditionalOutputs) return { outputs: output };
  if (output instanceof CloseStream) return { close: output };
  try {
    if (Array.isArray(output) && output.length === 2 && output[1] instanceof AdditionalOutputs) {
      return { audio: AudioFrame.from(output[0] as AudioInput), outputs: output[1] };
    }
    return { audio: AudioFrame.from(output as AudioInput) };
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new HandlerError(
      `The handler yielded something that is not audio, AdditionalOutputs or CloseStream. ${reason}`,
      { cause },
    );
  }
}

import { FastRTCClientError } from "./client-error.ts";

/** How to open a {@link Microphone}. */
export interface MicrophoneOptions {
  /** Which one; the browser's default when left out. */
  readonly deviceId: string | undefined;
  /** W3C `MediaTrackConstraints`. */
  readonly constraints: Readonly<MediaTrackConstraints>;
  /** Gives up; a microphone that opens later is closed again. */
  readonly signal: AbortSignal;
}

/** One open microphone. */
export class Microphone {
  /** Its audio, for sending and for metering. */
  readonly stream: MediaStream;
  /** The one track of {@link Microphone.stream}. */
  readonly track: MediaStreamTrack;
  #onLost: (() => void) | undefined;

  private constructor(stream: MediaStream, track: MediaStreamTrack) {
    this.stream = stream;
    this.track = track;
    // Fires when the device is unplugged or the permission withdrawn, never after our own stop().
    track.onended = () => this.#onLost?.();
  }

  /**
   * Asks the user for a microphone and opens it.
   *
   * @throws {@link FastRTCClientError} `insecure-context`, `microphone-denied` or
   * `microphone-missing`.
   */
  static async open({ deviceId, constraints, signal }: MicrophoneOptions): Promise<Microphone> {
    signal.throwIfAborted();
    const devices = (navigator as Partial<Navigator>).mediaDevices;
    if (devices === undefined) {
      throw new FastRTCClientError(
        "insecure-context",
        "Browsers give the microphone only to pages on https:// or http://localhost.",
      );
    }
    const audio: MediaTrackConstraints =
      deviceId === undefined ? constraints : { ...constraints, deviceId: { exact: deviceId } };
    let stream: MediaStream;
    try {
      stream = await devices.getUserMedia({ audio });
    } catch (error) {
      throw toMicrophoneError(error);
    }
    const track = stream.getAudioTracks()[0];
    // getUserMedia cannot be cancelled: the permission may come after the user has given up.
    if (signal.aborted || track === undefined) {
      for (const opened of stream.getTracks()) opened.stop();
      signal.throwIfAborted();
      throw new FastRTCClientError("microphone-missing", "The microphone has no audio track.");
    }
    return new Microphone(stream, track);
  }

  /** Names what to do when the device goes away. */
  set onLost(listener: () => void) {
    this.#onLost = listener;
  }

  /** Sends silence instead of sound, or sound again. */
  setMuted(muted: boolean): void {
    this.track.enabled = !muted;
  }

  /** Lets the device go; the browser's recording mark disappears. */
  close(): void {
    this.#onLost = undefined;
    this.track.stop();
  }
}

function toMicrophoneError(error: unknown): FastRTCClientError {
  const name = error instanceof Error ? error.name : "";
  switch (name) {
    case "NotAllowedError":
    case "SecurityError":
      return new FastRTCClientError(
        "microphone-denied",
        "The microphone is blocked for this page. Allow it in the browser's site settings, and in the system's privacy settings.",
        { cause: error },
      );
    case "NotFoundError":
      return new FastRTCClientError("microphone-missing", "No microphone was found.", {
        cause: error,
      });
    case "NotReadableError":
    case "AbortError":
      return new FastRTCClientError(
        "microphone-missing",
        "The microphone cannot be opened. Another program may be using it.",
        { cause: error },
      );
    case "OverconstrainedError":
      return new FastRTCClientError(
        "microphone-missing",
        "The chosen microphone is gone, or cannot do what `trackConstraints` demand.",
        { cause: error },
      );
    default:
      return new FastRTCClientError("microphone-missing", "The microphone cannot be opened.", {
        cause: error,
      });
  }
}

import { canSelectSpeaker } from "./audio-devices.ts";
import { FastRTCClientError } from "./client-error.ts";

/** Plays what comes from the server. */
export class Speaker {
  #element: HTMLAudioElement | undefined;
  readonly #ownsElement: boolean;
  #deviceId: string | undefined;

  /** @param element - Where to play; one that is not on the page is made when left out. */
  constructor(element: HTMLAudioElement | undefined) {
    this.#element = element;
    this.#ownsElement = element === undefined;
  }

  /**
   * Starts to play.
   *
   * @returns false when the browser wants a click first; {@link Speaker.resume} from that click.
   */
  async play(stream: MediaStream): Promise<boolean> {
    const element = (this.#element ??= new Audio());
    element.srcObject = stream;
    await this.#applyDevice(element).catch(() => undefined);
    return this.resume();
  }

  /** Tries to play again. Returns whether it plays. */
  async resume(): Promise<boolean> {
    try {
      await this.#element?.play();
      return true;
    } catch (error) {
      // AbortError means that the stream was taken away meanwhile, which is no question of policy.
      return !(error instanceof Error && error.name === "NotAllowedError");
    }
  }

  /**
   * Chooses the device; the system's default when undefined.
   *
   * @throws {@link FastRTCClientError} `unsupported` where the browser has no such choice.
   */
  async setDevice(deviceId: string | undefined): Promise<void> {
    if (!canSelectSpeaker()) {
      throw new FastRTCClientError(
        "unsupported",
        "This browser plays on the system's default speaker only.",
      );
    }
    this.#deviceId = deviceId;
    if (this.#element !== undefined) await this.#applyDevice(this.#element);
  }

  /** Stops and forgets the stream. */
  stop(): void {
    if (this.#element === undefined) return;
    this.#element.pause();
    this.#element.srcObject = null;
    if (this.#ownsElement) this.#element = undefined;
  }

  async #applyDevice(element: HTMLAudioElement): Promise<void> {
    const wanted = this.#deviceId ?? "";
    if (canSelectSpeaker() && element.sinkId !== wanted) await element.setSinkId(wanted);
  }
}

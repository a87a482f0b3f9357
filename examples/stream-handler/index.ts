// A handler with its own idea of when to speak: an echo that does not wait for a pause.
import { AsyncQueue, Stream, StreamHandler, type AudioFrame } from "fastrtc";

class Echo extends StreamHandler {
  readonly #frames = new AsyncQueue<AudioFrame>();

  override copy(): Echo {
    return new Echo();
  }

  override receive(frame: AudioFrame): void {
    this.#frames.put(frame);
  }

  override async emit(): Promise<AudioFrame | undefined> {
    return await this.#frames.get();
  }

  override shutdown(): void {
    this.#frames.close();
  }
}

const stream = new Stream({ handler: new Echo(), modality: "audio", mode: "send-receive" });

await stream.launch();

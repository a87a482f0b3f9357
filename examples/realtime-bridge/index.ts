// Passes each caller on to a server with OpenAI's Realtime protocol, and its voice back to them.
import {
  AdditionalOutputs,
  AsyncQueue,
  AudioFrame,
  getCurrentContext,
  Stream,
  StreamHandler,
} from "fastrtc";
import type { RealtimeClientEvent, RealtimeServerEvent } from "openai/resources/realtime/realtime";
import { WebSocket } from "ws";

const { OPENAI_API_KEY = "", OPENAI_REALTIME_URL } = process.env;
const SERVER = OPENAI_REALTIME_URL ?? "wss://api.openai.com/v1/realtime?model=gpt-realtime";
const SAMPLE_RATE = 24_000;

class RealtimeBridge extends StreamHandler {
  readonly #queue = new AsyncQueue<AudioFrame | AdditionalOutputs>();
  #socket: WebSocket | undefined;
  #reply = { itemId: "", durationMs: 0, startedAt: Infinity };

  constructor() {
    super({ inputSampleRate: SAMPLE_RATE, outputSampleRate: SAMPLE_RATE });
  }

  override copy(): RealtimeBridge {
    return new RealtimeBridge();
  }

  override startUp(): void {
    const context = getCurrentContext();
    const socket = new WebSocket(SERVER, {
      headers: { authorization: `Bearer ${OPENAI_API_KEY}` },
    });
    socket.on("message", (data: Buffer) => {
      this.#read(JSON.parse(data.toString()) as RealtimeServerEvent);
    });
    socket.on("error", (error) => console.error(context.webrtcId, error.message));
    socket.on("close", () => context.close("The model has hung up.")); // follows an error, too
    this.#socket = socket;
  }

  override receive(frame: AudioFrame): void {
    const audio = Buffer.from(frame.toBytes()).toString("base64");
    this.#send({ type: "input_audio_buffer.append", audio });
  }

  override async emit(): Promise<AudioFrame | AdditionalOutputs | undefined> {
    // Nothing for a while lets the last part of a frame be sent without its rest.
    const next = await this.#queue.get({ timeoutMs: 100 });
    if (next instanceof AudioFrame && this.#reply.startedAt === Infinity) {
      this.#reply.startedAt = performance.now();
    }
    return next;
  }

  override shutdown(): void {
    this.#queue.close();
    this.#socket?.close();
  }

  #read(event: RealtimeServerEvent): void {
    switch (event.type) {
      case "response.output_audio.delta": {
        const frame = AudioFrame.fromBytes(Buffer.from(event.delta, "base64"), SAMPLE_RATE);
        if (event.item_id !== this.#reply.itemId) {
          this.#reply = { itemId: event.item_id, durationMs: 0, startedAt: Infinity };
        }
        this.#reply.durationMs += frame.durationMs;
        this.#queue.put(frame);
        break;
      }
      case "response.output_audio_transcript.done":
        this.#queue.put(new AdditionalOutputs({ assistant: event.transcript }));
        break;
      case "input_audio_buffer.speech_started":
        this.#interrupt();
        break;
      case "error":
        console.error(event.error.message);
        break;
      default: // nothing that the caller hears
    }
  }

  /** The caller speaks: nothing more is heard of the reply, and the model is told what was. */
  #interrupt(): void {
    this.#queue.clear();
    this.clearQueue();
    const { itemId, durationMs, startedAt } = this.#reply;
    const heardMs = Math.max(0, Math.round(performance.now() - startedAt));
    if (heardMs >= durationMs) return;
    this.#send({
      type: "conversation.item.truncate",
      item_id: itemId,
      content_index: 0,
      audio_end_ms: heardMs,
    });
  }

  #send(event: RealtimeClientEvent): void {
    // What is said before the model listens is lost, as it is while a telephone rings.
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(event));
  }
}

const stream = new Stream({
  handler: new RealtimeBridge(),
  modality: "audio",
  mode: "send-receive",
});

await stream.launch();

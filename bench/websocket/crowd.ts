/** Callers of the WebSocket bench: each speaks fifty times a second, and counts what comes back. */

import { once } from "node:events";
import { WebSocket } from "ws";
import { createEncoder } from "../../packages/fastrtc/src/codec/create-codec.ts";
import { speechLike } from "../../packages/fastrtc/src/testing/synthetic-audio.ts";

/** How the callers' audio is carried. */
export type Encoding = "mulaw" | "pcm16";

const FRAME_MS = 20;
const SAMPLE_RATE = 48_000;
const SPEECH_MS = 8_000;

interface Caller {
  readonly socket: WebSocket;
  /** When it speaks next. Every caller has a phase of its own, as real ones have. */
  dueMs: number;
  sent: number;
  received: number;
}

/** Callers that speak until they leave. */
export class Crowd {
  readonly #callers: readonly Caller[];
  readonly #messages: readonly (string | Uint8Array)[];
  #timer: NodeJS.Timeout | undefined;

  private constructor(callers: readonly Caller[], messages: readonly (string | Uint8Array)[]) {
    this.#callers = callers;
    this.#messages = messages;
    const nowMs = performance.now();
    for (const caller of callers) caller.dueMs = nowMs + Math.random() * FRAME_MS;
    this.#speak();
  }

  /** Connects callers, one after the other, and lets them speak. */
  static async gather(url: string, encoding: Encoding, count: number): Promise<Crowd> {
    const callers: Caller[] = [];
    for (let i = 0; i < count; i++) callers.push(await connect(url, encoding, `caller-${i}`));
    return new Crowd(callers, messagesOf(encoding));
  }

  /** Counts from now until the returned function is called, which tells the share that is missing. */
  beginCount(): () => number {
    const [sent, received] = this.#totals();
    return () => {
      const [sentNow, receivedNow] = this.#totals();
      const expected = sentNow - sent;
      return Math.round(Math.max(0, 1 - (receivedNow - received) / expected) * 1e4) / 1e4;
    };
  }

  /** Hangs up. */
  leave(): void {
    clearTimeout(this.#timer);
    for (const { socket } of this.#callers) socket.close();
  }

  #totals(): readonly [sent: number, received: number] {
    return this.#callers.reduce<readonly [number, number]>(
      ([sent, received], caller) => [sent + caller.sent, received + caller.received],
      [0, 0],
    );
  }

  #speak(): void {
    const nowMs = performance.now();
    let nextMs = nowMs + FRAME_MS;
    for (const caller of this.#callers) {
      while (caller.dueMs <= nowMs) {
        caller.socket.send(this.#messages[caller.sent++ % this.#messages.length] ?? "");
        caller.dueMs += FRAME_MS;
      }
      nextMs = Math.min(nextMs, caller.dueMs);
    }
    this.#timer = setTimeout(() => this.#speak(), Math.max(1, nextMs - nowMs));
  }
}

async function connect(url: string, encoding: Encoding, id: string): Promise<Caller> {
  const socket = new WebSocket(url);
  await once(socket, "open");
  const audio = { codec: "pcm16", binary: true };
  const isBare = encoding === "mulaw";
  socket.send(JSON.stringify({ event: "start", websocket_id: id, ...(isBare ? {} : { audio }) }));
  const caller = {
    socket,
    dueMs: 0,
    sent: 0,
    received: 0,
  };
  socket.on("message", (data: Buffer, isBinary) => {
    // Nothing is parsed: callers must not cost more than the server.
    if (isBinary || data.includes('"media"')) caller.received++;
  });
  return caller;
}

function messagesOf(encoding: Encoding): readonly (string | Uint8Array)[] {
  const samples = speechLike(SAMPLE_RATE, SPEECH_MS, 1, false);
  const size = (SAMPLE_RATE * FRAME_MS) / 1000;
  const encoder = createEncoder(
    { codec: encoding, sampleRate: SAMPLE_RATE, channels: 1 },
    SAMPLE_RATE,
    1,
  );
  const messages: (string | Uint8Array)[] = [];
  for (let at = 0; at + size <= samples.length; at += size) {
    const data = encoder.encode(samples.subarray(at, at + size));
    const payload = Buffer.from(data).toString("base64");
    messages.push(
      encoding === "pcm16" ? data : JSON.stringify({ event: "media", media: { payload } }),
    );
  }
  return messages;
}

import { setTimeout as sleep } from "node:timers/promises";

import { RealtimeAgent, RealtimeSession, tool } from "@openai/agents-realtime";
import { afterEach, describe, expect, it } from "vitest";
import { z } from "zod";

import { loudness } from "../../../../test/memory-call.ts";
import { frequencyOf, loudMsOf } from "../../../../test/pitch.ts";
import { startRealtimeServer } from "../../../../test/realtime-server.ts";
import type { RealtimeServer } from "../../../../test/realtime-server.ts";
import { sine, sineFrame } from "../../../../test/conformance-handlers.ts";
import { ReplyOnPause } from "../../../handler/reply-on-pause.ts";
import type { ReplyFunction, ReplyOnPauseOptions } from "../../../handler/reply-on-pause.ts";
import type { StreamOptions } from "../../../stream-options.ts";
import { getRealtimeSession } from "./realtime-session.ts";

const RATE = 24_000;

interface WireEvent {
  readonly type: string;
  readonly response?: {
    readonly status: string;
    readonly status_details: { readonly reason?: string };
    readonly output: readonly { readonly type: string }[];
  };
  readonly item?: { readonly content: readonly { readonly transcript: string }[] };
}

/** The stock client, as an application has it, with a microphone that we hold. */
class StockCaller {
  readonly session: RealtimeSession;
  readonly events: WireEvent[] = [];
  readonly audio: Buffer[] = [];
  readonly errors: unknown[] = [];
  interruptions = 0;

  constructor(agent: RealtimeAgent, config: object = {}) {
    this.session = new RealtimeSession(agent, { transport: "websocket", model: "m", config });
    const { transport } = this.session;
    transport.on("*", (event: unknown) => this.events.push(event as WireEvent));
    this.session.on("audio", ({ data }) => this.audio.push(Buffer.from(data)));
    this.session.on("audio_interrupted", () => this.interruptions++);
    this.session.on("error", ({ error }) => this.errors.push(error));
  }

  async connect(url: string): Promise<this> {
    await this.session.connect({ apiKey: "key", url });
    return this;
  }

  /** All that was heard, as samples. */
  get heard(): Int16Array {
    const bytes = Buffer.concat(this.audio);
    return new Int16Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
  }

  types(): string[] {
    return this.events.map(({ type }) => type);
  }

  of(type: string): WireEvent[] {
    return this.events.filter((event) => event.type === type);
  }

  async say(samples: Int16Array): Promise<void> {
    const size = RATE / 50;
    const begin = performance.now();
    for (let at = 0; at < samples.length; at += size) {
      const part = samples.slice(at, at + size);
      this.session.sendAudio(part.buffer);
      const due = begin + ((at + size) * 1000) / RATE;
      await sleep(Math.max(0, due - performance.now()));
    }
  }

  async takeTurn(): Promise<void> {
    await this.say(sine(300, 500, RATE));
    await this.say(new Int16Array(RATE * 0.9));
  }

  async until(what: string, isTrue: () => boolean): Promise<void> {
    for (let waited = 0; !isTrue(); waited += 10) {
      if (waited > 5000) {
        throw new Error(`It never came to this: ${what}. Events: ${this.types().join(" ")}`);
      }
      await sleep(10);
    }
  }
}

const servers: RealtimeServer[] = [];
const callers: StockCaller[] = [];

afterEach(async () => {
  for (const caller of callers.splice(0)) caller.session.close();
  await Promise.all(servers.splice(0).map((server) => server.close()));
});

async function serve(
  reply: ReplyFunction,
  options: ReplyOnPauseOptions = {},
  stream: Partial<StreamOptions> = {},
): Promise<RealtimeServer> {
  const handler = new ReplyOnPause(reply, {
    inputSampleRate: 16_000,
    outputSampleRate: RATE,
    model: loudness,
    ...options,
  });
  const server = await startRealtimeServer({ ...stream, handler });
  servers.push(server);
  return server;
}

async function dial(
  server: RealtimeServer,
  agent: RealtimeAgent = new RealtimeAgent({ name: "a", instructions: "Be brief." }),
  config: object = {},
): Promise<StockCaller> {
  const caller = new StockCaller(agent, config);
  callers.push(caller);
  return await caller.connect(`${server.socketUrl}?model=m`);
}

describe("the stock OpenAI Realtime client on a WebSocket", () => {
  it("is heard and answered, in two turns, in the protocol's order", async () => {
    const heardMs: number[] = [];
    const words = ["hello", "and bye"];
    const server = await serve(
      function* (audio) {
        heardMs.push(loudMsOf(audio.samples, audio.sampleRate));
        yield sineFrame(700, 200).withText("Good day.");
      },
      { speechToText: { transcribe: () => Promise.resolve({ text: words.shift() ?? "" }) } },
    );
    const caller = await dial(server);
    await caller.takeTurn();
    await caller.until("one response", () => caller.of("response.done").length === 1);
    await caller.takeTurn();
    await caller.until("two responses", () => caller.of("response.done").length === 2);
    await sleep(100);

    expect(caller.errors).toEqual([]);
    expect(heardMs.every((ms) => ms > 400 && ms < 600)).toBe(true);
    expect(loudMsOf(caller.heard, RATE)).toBeGreaterThanOrEqual(360);
    expect(frequencyOf(caller.heard, RATE)).toBeCloseTo(700, -1);

    const types = caller.types();
    const turn = types.slice(types.indexOf("input_audio_buffer.speech_started"));
    const first = turn.slice(0, turn.indexOf("response.done") + 1);
    const flow = first.filter((type) => type !== "conversation.item.retrieved");
    expect(flow.filter((type, at) => type !== flow[at - 1])).toEqual([
      "input_audio_buffer.speech_started",
      "input_audio_buffer.speech_stopped",
      "input_audio_buffer.committed",
      "conversation.item.added",
      "conversation.item.done",
      "conversation.item.input_audio_transcription.completed",
      "response.created",
      "response.output_item.added",
      "conversation.item.added",
      "response.content_part.added",
      "response.output_audio_transcript.delta",
      "response.output_audio.delta",
      "response.output_audio.done",
      "response.output_audio_transcript.done",
      "response.content_part.done",
      "conversation.item.done",
      "response.output_item.done",
      "response.done",
    ]);
    const history = caller.session.history.map((item) =>
      item.type === "message"
        ? [item.role, item.content.map((part) => ("transcript" in part ? part.transcript : ""))]
        : [],
    );
    expect(history).toEqual([
      ["user", ["hello"]],
      ["assistant", ["Good day."]],
      ["user", ["and bye"]],
      ["assistant", ["Good day."]],
    ]);
  }, 15_000);

  it("interrupts a reply by speaking, and keeps what it heard of it", async () => {
    const server = await serve(function* () {
      yield sineFrame(700, 1000).withText("One two three four.");
      yield sineFrame(700, 5000).withText("Five six seven eight nine ten.");
    });
    const caller = await dial(server);
    await caller.takeTurn();
    await caller.until("audio", () => caller.audio.length > 10);
    await sleep(1000);
    await caller.say(sine(300, 600, RATE));
    await caller.until("an interruption", () => caller.interruptions === 1);
    await caller.until("a cut", () => caller.of("conversation.item.retrieved").length > 0);

    const [done] = caller.of("response.done");
    expect(done!.response).toMatchObject({
      status: "cancelled",
      status_details: { type: "cancelled", reason: "turn_detected" },
    });
    const types = caller.types();
    expect(types.lastIndexOf("input_audio_buffer.speech_started")).toBeLessThan(
      types.indexOf("response.done"),
    );
    const cut = caller.of("conversation.item.retrieved").at(-1)!.item!.content[0]!.transcript;
    expect(cut).toMatch(/^One two/);
    expect(cut).not.toContain("ten");
    expect(caller.errors).toEqual([]);
    const soundAtCut = caller.audio.length;
    await sleep(200);
    expect(caller.audio.length).toBe(soundAtCut);
  }, 15_000);

  it("runs a tool for a handler, whose reply goes on with what it gave", async () => {
    const gave: string[] = [];
    const server = await serve(async function* () {
      const realtime = getRealtimeSession()!;
      gave.push(await realtime.callTool("weather", { city: "Oslo" }));
      yield sineFrame(700, 100).withText(`It will ${gave[0]!}.`);
    });
    const asked: string[] = [];
    const weather = tool({
      name: "weather",
      description: "Tells the weather.",
      parameters: z.object({ city: z.string() }),
      execute: ({ city }) => {
        asked.push(city);
        return "rain";
      },
    });
    const caller = await dial(server, new RealtimeAgent({ name: "a", tools: [weather] }));
    await caller.takeTurn();
    await caller.until("two responses", () => caller.of("response.done").length === 2);
    await sleep(100);
    expect(asked).toEqual(["Oslo"]);
    expect(gave).toEqual(["rain"]);
    expect(caller.errors).toEqual([]);
    expect(caller.of("response.created")).toHaveLength(2);
    const outputs = caller.of("response.done").map((done) => done.response?.output[0]?.type);
    expect(outputs).toEqual(["function_call", "message"]);
    // And it still takes requests: neither side waits for the other.
    caller.session.sendMessage("again");
    await caller.until("a third tool run", () => asked.length === 2);
    await caller.until("four responses", () => caller.of("response.done").length === 4);
    expect(caller.errors).toEqual([]);
  }, 15_000);

  it("is answered when it types", async () => {
    const typed: (string | undefined)[] = [];
    const server = await serve(function* (audio, { turn }) {
      typed.push(turn.transcript);
      expect(audio.sampleCount).toBe(0);
      yield sineFrame(700, 100).withText("Read.");
    });
    const caller = await dial(server);
    caller.session.sendMessage("hello");
    await caller.until("an answer", () => caller.of("response.done").length === 1);
    caller.session.sendMessage("more");
    await caller.until("another", () => caller.of("response.done").length === 2);
    expect(typed).toEqual(["hello", "more"]);
    expect(caller.of("input_audio_buffer.speech_started")).toEqual([]);
    expect(caller.errors).toEqual([]);
  });

  it("cancels a reply from the application, and can go on", async () => {
    let replies = 0;
    const server = await serve(function* () {
      replies++;
      yield sineFrame(700, 5000);
    });
    const caller = await dial(server);
    caller.session.sendMessage("talk");
    await caller.until("audio", () => caller.audio.length > 5);
    caller.session.interrupt();
    await caller.until("its end", () => caller.of("response.done").length === 1);
    expect(caller.of("response.done")[0]!.response!.status_details.reason).toBe("client_cancelled");
    caller.session.sendMessage("again");
    await caller.until("another reply", () => replies === 2);
    expect(caller.errors).toEqual([]);
  });

  it("pushes to talk: nothing is answered before it says so", async () => {
    const heardMs: number[] = [];
    const server = await serve(function* (audio) {
      heardMs.push(audio.durationMs);
      yield sineFrame(700, 100);
    });
    const caller = await dial(server, undefined, {
      audio: { input: { turnDetection: null } },
    });
    await caller.until("its settings", () => caller.of("session.updated").length > 0);
    await caller.say(sine(300, 400, RATE));
    await caller.say(new Int16Array(RATE));
    expect(heardMs).toEqual([]);
    expect(caller.of("input_audio_buffer.speech_started")).toEqual([]);
    caller.session.transport.sendEvent({ type: "input_audio_buffer.commit" });
    caller.session.transport.sendEvent({ type: "response.create" });
    await caller.until("an answer", () => caller.of("response.done").length === 1);
    expect(heardMs).toEqual([1400]);
    expect(caller.errors).toEqual([]);
  });

  it.each(["g711_ulaw", "g711_alaw"])("speaks %s in both directions", async (format) => {
    const pitches: number[] = [];
    const server = await serve(function* (audio) {
      pitches.push(frequencyOf(audio.samples, audio.sampleRate));
      yield sineFrame(700, 400);
    });
    const caller = await dial(server, undefined, {
      audio: { input: { format }, output: { format } },
    });
    await caller.until("its settings", () => caller.of("session.updated").length > 0);
    // 8 kHz, one byte a sample; what it says does not matter but for its loudness.
    const loud = new Uint8Array(4000).fill(format === "g711_ulaw" ? 0x80 : 0xaa);
    loud.forEach((_, at) => (loud[at] = at % 20 < 10 ? loud[at]! : loud[at]! & 0x7f));
    caller.session.sendAudio(loud.buffer);
    const quiet = new Uint8Array(8000).fill(format === "g711_ulaw" ? 0xff : 0xd5);
    caller.session.sendAudio(quiet.buffer);
    await caller.until("an answer", () => caller.of("response.done").length === 1);
    expect(pitches[0]).toBeCloseTo(400, -1);
    const bytes = Buffer.concat(caller.audio).length;
    expect(bytes).toBeGreaterThanOrEqual(3200);
    await sleep(200);
    expect(caller.of("response.created")).toHaveLength(1);
    expect(bytes).toBeLessThan(4200);
    expect(caller.errors).toEqual([]);
  });
});

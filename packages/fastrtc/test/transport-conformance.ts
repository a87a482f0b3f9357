/**
 * What every transport must do, as tests: one suite for WebRTC, WebSocket, each telephone carrier,
 * OpenAI Realtime and the transport without a network.
 */

import { afterEach, describe, expect, it } from "vitest";
import { AdditionalOutputs } from "../src/handler/additional-outputs.ts";
import { CloseStream } from "../src/handler/close-stream.ts";
import type { StreamHandlerBase } from "../src/handler/stream-handler.ts";
import { getContext } from "../src/session/context/context.ts";
import { ConformanceRefusal } from "./conformance-harness.ts";
import type {
  ConformanceAbility,
  ConformanceClient,
  ConformanceHarness,
  ConformanceServer,
  ConformanceServerOptions,
} from "./conformance-harness.ts";
import {
  INPUT_RATE,
  replyOnLoudness,
  sine,
  sineFrame,
  Witness,
  WitnessHandler,
} from "./conformance-handlers.ts";
import { frequencyOf, loudMsOf } from "./pitch.ts";

const STEP_MS = 20;
const PATIENCE_MS = 6_000;

/**
 * Declares the conformance tests of a transport.
 *
 * @param name - What the tests call it.
 */
export function describeTransport(name: string, harness: ConformanceHarness): void {
  const servers: ConformanceServer[] = [];

  afterEach(async () => {
    await Promise.all(servers.splice(0).map((server) => server.close()));
  });

  async function serve(
    handler: StreamHandlerBase,
    options: Omit<ConformanceServerOptions, "handler"> = {},
  ): Promise<ConformanceServer> {
    const server = await harness.serve({ handler, ...options });
    servers.push(server);
    return server;
  }

  async function until(what: string, isTrue: () => boolean): Promise<void> {
    for (let waited = 0; !isTrue(); waited += STEP_MS) {
      if (waited >= PATIENCE_MS) throw new Error(`It never came to this: ${what}.`);
      await harness.wait(STEP_MS);
    }
  }

  const takeTurn = async (client: ConformanceClient, hz = 300): Promise<void> => {
    await client.say(sine(hz, 600, client.sampleRate));
    await client.say(new Int16Array(client.sampleRate));
  };

  const heardMs = (client: ConformanceClient): number =>
    loudMsOf(client.heard(), client.heardSampleRate ?? client.sampleRate);

  /** A test of what not every transport can do. */
  const itCan = (ability: ConformanceAbility, title: string, test: () => Promise<void>): void => {
    const reason = harness.cannot?.[ability];
    if (reason === undefined) it(title, test);
    else it.skip(`${title} (cannot: ${reason})`, test);
  };

  const can = (ability: ConformanceAbility): boolean => harness.cannot?.[ability] === undefined;

  describe(name, () => {
    it("connects: the handler starts, and its context says how and who", async () => {
      const witness = new Witness();
      const server = await serve(new WitnessHandler(witness));
      const client = await server.connect();
      await until("startUp", () => witness.ids.has("startUp"));
      expect([...witness.kinds]).toEqual([harness.kind]);
      expect(witness.ids.get("startUp")).toEqual(new Set([client.webrtcId]));
      expect(server.sessionCount).toBe(1);
    });

    it("shows each of two callers its own context, wherever the handler runs", async () => {
      const witness = new Witness();
      const outputs: unknown[] = [];
      const handler = new WitnessHandler(witness, () => [sineFrame(500, 40)]);
      const server = await serve(handler, {
        additionalOutputsHandler: (_text, id) => {
          witness.see("additionalOutputsHandler");
          outputs.push(id);
        },
      });
      const clients = [await server.connect(), await server.connect()];
      const ids = new Set(clients.map(({ webrtcId }) => webrtcId));
      expect(ids.size).toBe(2);
      if (can("messages-to-handler"))
        for (const client of clients) client.sendText('{"say":"hello"}');
      await Promise.all(clients.map((client) => client.say(sine(400, 100, client.sampleRate))));
      await until("both are heard", () => witness.received.size === 2);
      await until("both are spoken to", () => clients.every((client) => heardMs(client) >= 20));
      if (can("messages-to-handler")) {
        await until("both outputs", () => outputs.length === 2);
        expect(new Set(outputs)).toEqual(ids);
      }
      for (const client of clients) client.hangUp();
      await until("both have ended", () => witness.endings === 2);
      for (const [method, seen] of witness.ids) expect([method, seen]).toEqual([method, ids]);
      const methods = ["startUp", "receive", "emit", "abort listener", "shutdown"];
      expect([...witness.ids.keys()]).toEqual(expect.arrayContaining(methods));
    });

    it("shows a reply its context at every step", async () => {
      const seen: unknown[] = [];
      const note = (): number => seen.push(getContext()?.webrtcId);
      const server = await serve(
        replyOnLoudness(async function* () {
          note();
          yield sineFrame(500, 20);
          note();
          await Promise.resolve();
          note();
          yield sineFrame(500, 20);
          note();
        }),
      );
      const client = await server.connect();
      await takeTurn(client);
      await until("the reply is over", () => seen.length >= 4);
      expect(seen).toEqual(Array(4).fill(client.webrtcId));
    });

    it("carries the caller's audio in, at the handler's rate", async () => {
      const witness = new Witness();
      const server = await serve(new WitnessHandler(witness));
      const client = await server.connect();
      await client.say(sine(440, 1_000, client.sampleRate));
      await client.say(new Int16Array(client.sampleRate / 5));
      const frames = witness.received.get(client.webrtcId) ?? [];
      const samples = Int16Array.from(frames.flatMap((frame) => [...frame.samples]));
      expect(new Set(frames.map(({ sampleRate }) => sampleRate))).toEqual(new Set([INPUT_RATE]));
      expect(frequencyOf(samples, INPUT_RATE)).toBeCloseTo(440, -1);
      expect(loudMsOf(samples, INPUT_RATE)).toBeGreaterThan(900);
      expect(loudMsOf(samples, INPUT_RATE)).toBeLessThan(1_150);
      for (const [index, frame] of frames.entries()) {
        const before = frames[index - 1];
        if (!before?.timestampMs) continue;
        expect(frame.timestampMs - before.timestampMs).toBeLessThan(100);
      }
    });

    it("carries the handler's audio out, at the caller's rate and in real time", async () => {
      const witness = new Witness();
      const handler = new WitnessHandler(witness, () => [sineFrame(660, 1_500)]);
      const server = await serve(handler);
      const client = await server.connect();
      await until("it begins", () => client.heard().length > 0);
      await harness.wait(500);
      // Whoever is sent more than it may play by now must be told to drop it at a barge-in.
      expect(heardMs(client)).toBeGreaterThan(300);
      expect(heardMs(client)).toBeLessThan(900);
      await harness.wait(1_400);
      expect(heardMs(client)).toBeGreaterThan(1_350);
      expect(heardMs(client)).toBeLessThan(1_650);
      const rate = client.heardSampleRate ?? client.sampleRate;
      expect(frequencyOf(client.heard(), rate)).toBeCloseTo(660, -1);
    });

    itCan("messages-to-client", "carries the server's messages", async () => {
      const witness = new Witness();
      const server = await serve(
        new WitnessHandler(witness, () => [new AdditionalOutputs(1, "b")]),
      );
      const client = await server.connect();
      await until("the outputs", () => client.messages.some(({ type }) => type === "fetch_output"));
      const found = client.messages.find(({ type }) => type === "fetch_output");
      expect(found).toEqual({ type: "fetch_output", data: [1, "b"] });
    });

    itCan("messages-to-handler", "carries the client's text", async () => {
      const witness = new Witness();
      const server = await serve(new WitnessHandler(witness));
      const client = await server.connect();
      const text = JSON.stringify({ question: "grüß Gott?" });
      client.sendText(text);
      await until("the text", () => witness.texts.length > 0);
      expect(witness.texts).toEqual([text]);
      if (!can("messages-to-client")) return;
      await until("the answer", () => client.messages.some(({ type }) => type === "message"));
      expect(client.messages).toContainEqual({ type: "message", data: { heard: text } });
    });

    it("waits for inputs where the handler asks for them, and hands outputs on", async () => {
      const inputs: unknown[] = [];
      const outputs: unknown[] = [];
      const server = await serve(
        replyOnLoudness(
          function* (_audio, call) {
            inputs.push(call.inputs);
            yield new AdditionalOutputs("said", getContext()?.webrtcId);
            yield sineFrame(500, 100);
          },
          { needsArgs: true },
        ),
        { additionalOutputsHandler: (...args) => outputs.push(args) },
      );
      const client = await server.connect();
      await takeTurn(client);
      if (can("messages-to-client")) {
        await until("send_input", () => client.messages.some(({ type }) => type === "send_input"));
      }
      expect(inputs).toEqual([]);
      await server.setInput(client.webrtcId, "soft", 3);
      await until("the reply", () => heardMs(client) > 50);
      expect(inputs).toEqual([["soft", 3]]);
      expect(outputs).toEqual([["said", client.webrtcId]]);
    });

    it("stops a reply when the caller speaks, and answers what was said instead", async () => {
      const aborted: number[] = [];
      let turns = 0;
      const server = await serve(
        replyOnLoudness(async function* (_audio, { signal, turn }) {
          const hz = ++turns === 1 ? 500 : 900;
          signal.addEventListener("abort", () => aborted.push(turn.index));
          for (let i = 0; i < 40; i++) yield sineFrame(hz, 200);
        }),
      );
      const client = await server.connect();
      await takeTurn(client);
      await until("the reply is heard", () => heardMs(client) > 200);
      const speaking = takeTurn(client, 200);
      await until("the reply is stopped", () => aborted.length > 0);
      await harness.wait(200);
      const heard = heardMs(client);
      await harness.wait(200);
      expect(heardMs(client)).toBe(heard);
      if (can("flush")) expect(client.flushes).toBeGreaterThan(0);
      await speaking;
      await until("the second reply is heard", () => heardMs(client) > heard + 200);
      expect(aborted).toEqual([1]);
      const rate = client.heardSampleRate ?? client.sampleRate;
      const tail = client.heard().subarray(-rate / 10);
      expect(frequencyOf(tail, rate)).toBeCloseTo(900, -2);
    });

    it("lets what was said be heard before a CloseStream closes it", async () => {
      const witness = new Witness();
      const server = await serve(
        new WitnessHandler(witness, () => [sineFrame(500, 600), new CloseStream("Goodbye.")]),
      );
      const client = await server.connect();
      await until("it closes", () => client.isClosed);
      expect(heardMs(client)).toBeGreaterThan(520);
      if (can("messages-to-client")) {
        expect(client.messages).toContainEqual({ type: "end_stream", data: "Goodbye." });
      }
      await until("the session has ended", () => server.sessionCount === 0);
      expect(witness.endings).toBe(1);
    });

    it("ends when the time limit is over", async () => {
      const witness = new Witness();
      const server = await serve(new WitnessHandler(witness), { timeLimit: 0.5 });
      const client = await server.connect();
      expect(client.isClosed).toBe(false);
      await until("it closes", () => client.isClosed);
      if (can("messages-to-client")) {
        const data = "Time limit reached";
        expect(client.messages).toContainEqual({ type: "end_stream", data });
      }
      await until("the handler is told", () => witness.endings === 1);
      expect(server.sessionCount).toBe(0);
    });

    it("lets in as many as the limit says, and another when one has left", async () => {
      const server = await serve(new WitnessHandler(new Witness()), { concurrencyLimit: 1 });
      const first = await server.connect();
      await expectRefusal(server.connect(), "concurrency_limit_reached");
      expect(first.isClosed).toBe(false);
      expect(server.sessionCount).toBe(1);
      first.hangUp();
      await until("it has left", () => server.sessionCount === 0);
      const second = await server.connect();
      expect(second.isClosed).toBe(false);
    });

    it("goes on after an error in the handler", async () => {
      let turns = 0;
      const server = await serve(
        replyOnLoudness(function* () {
          if (++turns === 1) throw new Error("secret");
          yield sineFrame(700, 200);
        }),
      );
      const client = await server.connect();
      await takeTurn(client);
      await until("the first turn", () => turns === 1);
      expect(client.isClosed).toBe(false);
      if (can("messages-to-client")) {
        await until("the error", () => client.messages.some(({ type }) => type === "error"));
        expect(JSON.stringify(client.messages)).not.toContain("secret");
      }
      await takeTurn(client);
      await until("the second reply", () => heardMs(client) > 100);
    });

    it("ends with a caller who hangs up in mid-reply, and closes the generator", async () => {
      await expectEnding((client) => client.hangUp());
    });

    itCan("vanish", "ends with a caller who vanishes in mid-reply", async () => {
      await expectEnding((client) => client.vanish());
    });

    itCan(
      "leave-before-start",
      "keeps nothing of a caller who leaves before the start",
      async () => {
        const witness = new Witness();
        const server = await serve(new WitnessHandler(witness));
        await server.knockAndLeave();
        await until("nothing is held", () => server.heldResources === 0);
        expect(server.sessionCount).toBe(0);
        expect(witness.ids.get("startUp")).toBeUndefined();
      },
    );

    itCan("chosen-ids", "refuses an id that is taken, and leaves whose it is alone", async () => {
      const witness = new Witness();
      const server = await serve(new WitnessHandler(witness));
      const first = await server.connect("twice");
      await expectRefusal(server.connect("twice"), "connection_already_exists");
      await first.say(sine(400, 200, first.sampleRate));
      await until("the first is heard", () => witness.received.has("twice"));
      expect(first.isClosed).toBe(false);
      expect(server.sessionCount).toBe(1);
    });

    it("keeps nothing of sessions that have ended", async () => {
      const witness = new Witness();
      const server = await serve(new WitnessHandler(witness, () => [sineFrame(500, 200)]));
      for (let round = 0; round < 3; round++) {
        const clients = await Promise.all([server.connect(), server.connect(), server.connect()]);
        await clients[0].say(sine(400, 60, clients[0].sampleRate));
        for (const client of clients) client.hangUp();
        await until("they have ended", () => server.sessionCount === 0);
      }
      await until("nothing is held", () => server.heldResources === 0);
      expect(witness.endings).toBe(9);
    });
  });

  async function expectRefusal(connecting: Promise<unknown>, reason: string): Promise<void> {
    const refusal: unknown = await connecting.then(
      () => undefined,
      (error: unknown) => error,
    );
    expect(refusal).toBeInstanceOf(ConformanceRefusal);
    if (can("refusal-reasons")) expect((refusal as ConformanceRefusal).reason).toBe(reason);
  }

  async function expectEnding(leave: (client: ConformanceClient) => void): Promise<void> {
    const seen: string[] = [];
    let ticks = 0;
    const server = await serve(
      replyOnLoudness(async function* (_audio, { signal }) {
        signal.addEventListener("abort", () => seen.push("aborted"));
        try {
          for (;;) {
            ticks++;
            yield sineFrame(500, 100);
          }
        } finally {
          seen.push("closed");
        }
      }),
    );
    const client = await server.connect();
    await takeTurn(client);
    await until("the reply is heard", () => heardMs(client) > 100);
    leave(client);
    await until("the session has ended", () => server.sessionCount === 0);
    await until("the generator is closed", () => seen.includes("closed"));
    expect(seen).toEqual(["aborted", "closed"]);
    const before = ticks;
    await harness.wait(300);
    expect(ticks).toBe(before);
    await until("nothing is held", () => server.heldResources === 0);
  }
}

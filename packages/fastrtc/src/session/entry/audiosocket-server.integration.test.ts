import { once } from "node:events";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

import { afterEach, describe, expect, it } from "vitest";

import { AudioSocketCaller } from "../../../test/audiosocket-caller.ts";
import type { AudioSocketCallerOptions } from "../../../test/audiosocket-caller.ts";
import { carrierHarness, connected } from "../../../test/carrier-conformance.ts";
import { CarrierServer } from "../../../test/carrier-server.ts";
import type { CarrierServerOptions } from "../../../test/carrier-server.ts";
import { sine, sineFrame, Witness, WitnessHandler } from "../../../test/conformance-handlers.ts";
import { frequencyOf, loudMsOf } from "../../../test/pitch.ts";
import { describeTransport } from "../../../test/transport-conformance.ts";
import { AuthenticationError, InvalidOptionError } from "../../errors.ts";
import { CloseStream } from "../../handler/close-stream.ts";
import { systemClock } from "../../media/clock.ts";
import { silentLogger } from "../../observe/logger.ts";
import { listenAudioSocket } from "./audiosocket-server.ts";

const UUID = "0a1b2c3d-4e5f-4a6b-8c7d-9e0fa1b2c3d4";
const servers: CarrierServer[] = [];

async function serve(options: Partial<CarrierServerOptions> = {}): Promise<CarrierServer> {
  const server = await CarrierServer.start({
    handler: new WitnessHandler(new Witness()),
    audioSocket: {},
    ...options,
  });
  servers.push(server);
  return server;
}

const call = (
  server: CarrierServer,
  options: Omit<AudioSocketCallerOptions, "port"> = {},
): Promise<AudioSocketCaller> =>
  AudioSocketCaller.call({ ...options, port: server.audioSocketPort });

async function until(isTrue: () => boolean, patienceMs = 4000): Promise<void> {
  for (let waited = 0; !isTrue() && waited < patienceMs; waited += 10) await sleep(10);
  expect(isTrue()).toBe(true);
}

afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
});

describeTransport(
  "AudioSocket of Asterisk",
  carrierHarness({
    audioSocket: {},
    cannot: { flush: "Asterisk is sent nothing before its time" },
    call: (server, isMute) => call(server, { isMute }),
  }),
);

describe("a call over AudioSocket", () => {
  it("is named by its UUID; who calls is what the application looks up", async () => {
    const seen: unknown[] = [];
    const server = await serve({
      audioSocket: {
        onCall: async (caller) => {
          seen.push(caller);
          return Promise.resolve({ from: "+15550100001", to: "100", params: { language: "de" } });
        },
      },
    });
    await connected(server, await call(server, { uuid: UUID }));
    expect(seen).toEqual([{ uuid: UUID, remoteAddress: "127.0.0.1" }]);
    const [context] = server.contexts();
    expect(context).toMatchObject({
      webrtcId: UUID,
      params: { language: "de" },
      telephone: { carrier: "audiosocket", callId: UUID, from: "+15550100001", to: "100" },
    });
    expect(context?.request.url).toBe(`audiosocket://127.0.0.1/${UUID}`);
  });

  it.each([
    ["of a UUID that nobody expects", { audioSocket: { onCall: () => undefined } }],
    [
      "that the stream's authenticate refuses",
      {
        stream: {
          authenticate: () => {
            throw new AuthenticationError();
          },
        },
      },
    ],
    [
      "whose lookup fails",
      {
        audioSocket: {
          onCall: () => {
            throw new Error("the database is away");
          },
        },
      },
    ],
  ])("%s is hung up", async (_what, options: Partial<CarrierServerOptions>) => {
    const server = await serve(options);
    const caller = await call(server);
    await until(() => caller.isClosed);
    expect(caller.wasHungUp).toBe(true);
    expect(server.sessionCount).toBe(0);
    await until(() => server.heldResources === 0);
  });

  it("of a UUID that talks already is hung up, and the first goes on", async () => {
    const server = await serve();
    const first = await call(server, { uuid: UUID });
    await connected(server, first);
    const second = await call(server, { uuid: UUID });
    await until(() => second.isClosed);
    expect(second.wasHungUp).toBe(true);
    expect(first.isClosed).toBe(false);
    expect(server.sessionCount).toBe(1);
  });

  it.each([8000, 12_000, 16_000, 24_000, 32_000, 44_100, 48_000, 96_000, 192_000])(
    "has %d Hz both ways when the caller's audio has",
    async (sampleRate) => {
      const witness = new Witness();
      const server = await serve({
        handler: new WitnessHandler(witness, () => [sineFrame(500, 130)]),
      });
      const caller = await call(server, { sampleRate });
      await caller.say(sine(440, 200, sampleRate));
      await until(() => loudMsOf(caller.playout.heard(), sampleRate) >= 120);
      expect(frequencyOf(caller.playout.heard(), sampleRate)).toBeCloseTo(500, -1);
      const frames = witness.received.get(caller.sessionId) ?? [];
      const samples = Int16Array.from(frames.flatMap((frame) => [...frame.samples]));
      expect(frequencyOf(samples, 16_000)).toBeCloseTo(440, -1);
      expect(caller.complaints).toEqual([]);
    },
  );

  it("is sent audio at its time, so that Asterisk loses none", async () => {
    const handler = new WitnessHandler(new Witness(), () => [sineFrame(500, 3000)]);
    const server = await serve({ handler });
    const caller = await call(server);
    await until(() => loudMsOf(caller.playout.heard(), 8000) >= 2980);
    expect(caller.playout.lostFrames).toBe(0);
  });

  it("stays up on a line that is silent both ways, at 8 kHz", async () => {
    const server = await serve();
    const caller = await call(server, { isLineAlive: false });
    await connected(server, caller);
    await sleep(3500);
    expect(caller.complaints).toEqual([]);
    expect(caller.isClosed).toBe(false);
  });

  it("is lost when nothing comes for as long as the option says", async () => {
    const server = await serve({ audioSocket: { idleTimeoutMs: 700 } });
    const caller = await call(server, { isLineAlive: false });
    await connected(server, caller);
    await until(() => caller.isClosed);
    expect(server.sessionCount).toBe(0);
  });

  it("brings keys", async () => {
    const digits: string[] = [];
    const server = await serve({ stream: { onDtmf: (digit) => void digits.push(digit) } });
    const caller = await call(server);
    await connected(server, caller);
    caller.press("5");
    caller.press("#");
    caller.press("x");
    await until(() => digits.length === 2);
    expect(digits).toEqual(["5", "#"]);
    expect(caller.isClosed).toBe(false);
  });

  it("is hung up when the handler ends it", async () => {
    const handler = new WitnessHandler(new Witness(), () => [new CloseStream("Goodbye.")]);
    const server = await serve({ handler });
    const caller = await call(server);
    await until(() => caller.isClosed);
    expect(caller.wasHungUp).toBe(true);
  });
});

describe("a stranger at the AudioSocket port", () => {
  const knock = async (server: CarrierServer, bytes?: Uint8Array): Promise<() => boolean> => {
    const socket = connect(server.audioSocketPort, "127.0.0.1");
    socket.on("error", () => undefined);
    let isClosed = false;
    socket.on("close", () => (isClosed = true));
    await once(socket, "connect");
    if (bytes) socket.write(bytes);
    return () => isClosed;
  };

  it.each([
    ["HTTP", Buffer.from("GET / HTTP/1.1\r\n\r\n")],
    ["a UUID that is too long", Buffer.from([1, 0, 17])],
    ["audio first", Buffer.concat([Buffer.from([0x10, 0, 2]), Buffer.alloc(2)])],
    ["a hang-up", Buffer.from([0, 0, 0])],
  ])("who says %s is cut off at once", async (_what, bytes) => {
    const server = await serve();
    const isClosed = await knock(server, bytes);
    await until(isClosed, 500);
    await until(() => server.heldResources === 0);
  });

  it("who says nothing is cut off after two seconds", async () => {
    const server = await serve();
    const isClosed = await knock(server);
    await sleep(1500);
    expect(isClosed()).toBe(false);
    await until(isClosed, 1500);
    expect(server.heldResources).toBe(0);
  });

  it("does not keep callers out with a thousand connections", async () => {
    const server = await serve();
    const strangers = await Promise.all(Array.from({ length: 1000 }, () => knock(server)));
    const caller = await call(server);
    await connected(server, caller);
    expect(server.heldResources).toBeLessThanOrEqual(101);
    expect(strangers.filter((isClosed) => isClosed()).length).toBeGreaterThanOrEqual(800);
  });

  it("cannot end a session with a message that is too long but their own", async () => {
    const server = await serve();
    const other = await call(server);
    await connected(server, other);
    const uuid = Buffer.concat([Buffer.from([1, 0, 16]), Buffer.alloc(16, 7)]);
    const isClosed = await knock(server, Buffer.concat([uuid, Buffer.from([0x10, 0xff, 0xff])]));
    await until(isClosed);
    await until(() => server.sessionCount === 1);
    expect(other.isClosed).toBe(false);
  });
});

describe("listenAudioSocket", () => {
  it("hangs up every call when it is closed", async () => {
    const server = await serve();
    const caller = await call(server);
    await connected(server, caller);
    await server.close();
    await until(() => caller.isClosed);
    expect(caller.wasHungUp).toBe(true);
  });

  it("says what is wrong with a port that is taken", async () => {
    const server = await serve();
    const parts = {
      host: {
        identify: () => Promise.reject(new Error("not called")),
        begin: () => Promise.reject(new Error("not called")),
      },
      clock: systemClock,
      logger: silentLogger,
    };
    const listening = listenAudioSocket({ port: server.audioSocketPort }, parts);
    await expect(listening).rejects.toThrow(InvalidOptionError);
    await expect(listenAudioSocket({ port: 0, idleTimeoutMs: 0 }, parts)).rejects.toThrow(
      InvalidOptionError,
    );
  });
});

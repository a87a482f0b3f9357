/** Sessions whose handlers misbehave in their first turn, beside one whose handler does not. */

import {
  ReplyOnPause,
  silentLogger,
  Stream,
  type AudioFrame,
  type HandlerOutput,
  type ListeningServer,
} from "fastrtc";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { similarity } from "./support/correlation.ts";
import { NodeClient } from "./support/node-client.ts";
import { spokenSentences, withSilence } from "./support/spoken-sentences.ts";
import { tone } from "./support/tone.ts";
import { until } from "./support/until.ts";

const [spoken, other] = spokenSentences(2) as [AudioFrame, AudioFrame];
const SECRET = "postgres://user:password@host";

type Reply = () => Iterable<HandlerOutput> | AsyncIterable<HandlerOutput>;

/** What the first reply of each session does, by the session's id. */
const FAULTS: Readonly<Record<string, Reply>> = {
  "throws at once": () => {
    throw new Error(SECRET);
  },
  "throws after it has begun": function* () {
    yield tone(300, 200);
    throw new Error(SECRET);
  },
  rejects: async function* () {
    await Promise.reject(new Error(SECRET));
    yield null;
  },
  "throws something that is no error": function* () {
    yield* [];
    // eslint-disable-next-line @typescript-eslint/only-throw-error
    throw undefined;
  },
  "yields nonsense": function* () {
    yield "hello" as unknown as HandlerOutput;
  },
  "yields a malformed tuple": function* () {
    yield [0, new Int16Array(10), "mono", 7] as unknown as HandlerOutput;
  },
  "is no generator": () => 7 as unknown as Iterable<HandlerOutput>,
  "never yields": async function* () {
    await new Promise(() => undefined);
    yield null;
  },
  "yields sound forever, without a pause": function* () {
    for (;;) yield tone(300, 100);
  },
  "yields nothing forever, without a pause": function* () {
    for (;;) yield null;
  },
};

/** Faults of which clients are told; the others only go on until they are interrupted. */
const TOLD = /throws|rejects|nonsense|malformed|no generator/;

let stream: Stream;
let server: ListeningServer;
const turns = new Map<string, number>();
const clients = new Map<string, NodeClient>();
/** How long the event loop was held at most, in milliseconds. */
let heldMs = 0;

function client(id: string): NodeClient {
  return clients.get(id)!;
}

beforeAll(async () => {
  stream = new Stream({
    handler: new ReplyOnPause((audio, { context }) => {
      const { webrtcId } = context;
      const turn = (turns.get(webrtcId) ?? 0) + 1;
      turns.set(webrtcId, turn);
      const fault = FAULTS[webrtcId];
      return turn === 1 && fault ? fault() : [audio];
    }),
    modality: "audio",
    logger: silentLogger,
  });
  server = await stream.launch({ port: 0 });
  for (const id of ["does its work", "hangs up in mid-reply", ...Object.keys(FAULTS)]) {
    clients.set(id, new NodeClient(id));
  }
  await Promise.all([...clients.values()].map((each) => each.connect(server.url)));

  let last = performance.now();
  const watch = setInterval(() => {
    const now = performance.now();
    heldMs = Math.max(heldMs, now - last);
    last = now;
  }, 10);
  // Two turns: a sentence, the silence that ends it, and time for its reply.
  const turn = withSilence(spoken, 300, 4200);
  await Promise.all(
    [...clients.values()].map(async (each) => {
      await each.speak(turn);
      if (each.webrtcId === "hangs up in mid-reply") return;
      await each.speak(turn);
    }),
  );
  clearInterval(watch);
});

afterAll(async () => {
  for (const each of clients.values()) each.close();
  await stream.close();
});

describe("a handler that", () => {
  it.each(Object.keys(FAULTS))("%s is served in its next turn", (id) => {
    expect(turns.get(id)).toBe(2);
    expect(client(id).isChannelClosed).toBe(false);
    const heard = client(id).heard();
    expect(similarity(spoken, heard)).toBeGreaterThan(0.85);
    expect(similarity(other, heard)).toBeLessThan(0.5);
  });

  it.each(Object.keys(FAULTS).filter((id) => TOLD.test(id)))(
    "%s tells its client so, and nothing secret",
    (id) => {
      const errors = client(id).messagesOf("error");
      expect(errors).toEqual([
        { type: "error", message: "The application failed to answer. Please try again." },
      ]);
      expect(JSON.stringify(client(id).messages)).not.toContain("postgres");
    },
  );
});

describe("every other session", () => {
  it("hears both of its replies whole", () => {
    const unharmed = client("does its work");
    expect(turns.get(unharmed.webrtcId)).toBe(2);
    expect(unharmed.messagesOf("error")).toEqual([]);
    const heard = unharmed.heard();
    expect(heard.durationMs).toBeGreaterThan(2 * spoken.durationMs);
    const middle = heard.durationMs / 2;
    expect(similarity(spoken, heard.slice(0, middle))).toBeGreaterThan(0.85);
    expect(similarity(spoken, heard.slice(middle))).toBeGreaterThan(0.85);
  });

  it("never waits for one that does not let go: the event loop runs on", () => {
    expect(heldMs).toBeLessThan(500);
  });

  it("does not notice one that hangs up in mid-reply", async () => {
    const unharmed = client("does its work");
    const heardMs = unharmed.heardMs;
    const speaking = unharmed.speak(withSilence(spoken, 0, 4000));
    const leaving = client("hangs up in mid-reply");
    const leavingHeardMs = leaving.heardMs;
    const before = stream.sessionCount;
    void leaving.speak(withSilence(spoken, 0, 1500));
    await until(() => leaving.heardMs > leavingHeardMs + 200);
    leaving.close();
    await until(() => stream.sessionCount === before - 1);

    await speaking;
    expect(turns.get(unharmed.webrtcId)).toBe(3);
    expect(unharmed.messagesOf("error")).toEqual([]);
    expect(unharmed.heardMs - heardMs).toBeGreaterThan(spoken.durationMs);
  });
});

import { describe, expect, it } from "vitest";
import type { Logger } from "../observe/logger.ts";
import { silentLogger } from "../observe/logger.ts";
import { aborted, FakeStreamService } from "../testing/fake-stream-service.ts";
import { ManualClock } from "../testing/manual-clock.ts";
import { createRouter } from "./router.ts";

interface Subscription {
  readonly response: Response;
  readonly clock: ManualClock;
  readonly service: FakeStreamService;
  readonly logged: string[];
  readonly client: AbortController;
  /** The next chunk as text; undefined at the end. */
  readonly read: () => Promise<string | undefined>;
  readonly leave: () => Promise<void>;
}

async function subscribe(source?: FakeStreamService["source"]): Promise<Subscription> {
  const clock = new ManualClock();
  const service = new FakeStreamService();
  if (source) service.source = source;
  const logged: string[] = [];
  const log = (message: string): void => void logged.push(message);
  const logger: Logger = { ...silentLogger, warn: log, error: log };
  const client = new AbortController();
  const router = createRouter(service, { clock, logger });
  const url = "http://127.0.0.1/outputs?webrtc_id=abc";
  const response = (await router(new Request(url, { signal: client.signal })))!;
  const reader = response.body!.getReader();
  return {
    response,
    clock,
    service,
    logged,
    client,
    async read() {
      const { done, value } = await reader.read();
      return done ? undefined : new TextDecoder().decode(value);
    },
    leave: () => reader.cancel(),
  };
}

async function* outputs(...list: (readonly unknown[])[]): AsyncGenerator<readonly unknown[]> {
  await Promise.resolve();
  yield* list;
}

describe("GET /outputs", () => {
  it("refuses a missing or broken webrtc_id with 422", async () => {
    const router = createRouter(new FakeStreamService());
    for (const query of ["", "?webrtc_id=", "?webrtc_id=a%00b"]) {
      expect((await router(new Request(`http://127.0.0.1/outputs${query}`)))?.status).toBe(422);
    }
  });

  it("says how to wait and what nobody may hold back, then sends each output", async () => {
    const { response, read, service } = await subscribe(() => outputs([{ a: 1 }], ["x"]));
    expect(response.status).toBe(200);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      "content-type": "text/event-stream; charset=utf-8",
      "cache-control": "no-cache, no-transform",
      "x-accel-buffering": "no",
    });
    expect(await read()).toBe("retry: 2000\n\n");
    expect(await read()).toBe('id: 1\nevent: output\ndata: {"a":1}\n\n');
    expect(await read()).toBe('id: 2\nevent: output\ndata: "x"\n\n');
    expect(await read()).toBeUndefined();
    expect(service.calls[0]?.body).toEqual({ webrtcId: "abc", token: undefined });
  });

  it.each([
    ["the argument, when there is one", [[1, 2]], "[1,2]"],
    ["an array, when there are several", ["a", { b: 2 }], '["a",{"b":2}]'],
    ["an empty array, when there is none", [], "[]"],
    ["null for what JSON does not have", [undefined], "null"],
    ["line breaks in one line", ["a\nb\r\nc\u2028"], '"a\\nb\\r\\nc\u2028"'],
  ])("writes %s", async (_title, args, data) => {
    const { read } = await subscribe(() => outputs(args));
    await read();
    expect(await read()).toBe(`id: 1\nevent: output\ndata: ${data}\n\n`);
  });

  it("drops an output that has no JSON, says so in the log, and goes on", async () => {
    const circle: unknown[] = [];
    circle.push(circle);
    const { read, logged } = await subscribe(() => outputs([1n], [circle], ["fine"]));
    await read();
    expect(await read()).toBe('id: 1\nevent: output\ndata: "fine"\n\n');
    expect(logged).toHaveLength(2);
  });

  it("sends a comment after 15 seconds of silence, again and again", async () => {
    const { clock, read } = await subscribe();
    await read();
    await read();
    const next = read();
    await clock.advanceAsync(14_999);
    expect(await isPending(next)).toBe(true);
    await clock.advanceAsync(1);
    expect(await next).toBe(":\n\n");
    await clock.advanceAsync(15_000);
    expect(await read()).toBe(":\n\n");
  });

  it("counts the silence from the last output", async () => {
    const gate = new AbortController();
    const { clock, read } = await subscribe(async function* (signal) {
      await aborted(gate.signal);
      yield ["late"];
      await aborted(signal);
    });
    await read();
    await clock.advanceAsync(10_000);
    gate.abort();
    await read();
    const next = read();
    await clock.advanceAsync(10_000);
    expect(await isPending(next)).toBe(true);
    await clock.advanceAsync(5_000);
    expect(await next).toBe(":\n\n");
  });

  it("gives a client that does not read neither comments nor outputs to store", async () => {
    let pulled = 0;
    const { clock, read } = await subscribe(async function* () {
      for (;;) {
        await Promise.resolve();
        yield [++pulled];
      }
    });
    await clock.advanceAsync(600_000);
    // One chunk waits in the stream; nothing is asked for behind it.
    expect(pulled).toBeLessThanOrEqual(1);
    expect(await read()).toBe("retry: 2000\n\n");
    expect(await read()).toContain("data: 1");
    expect(await read()).toContain("data: 2");
  });

  it("ends when a session ends, and leaves no timer", async () => {
    const { clock, read } = await subscribe(() => outputs());
    await read();
    expect(await read()).toBeUndefined();
    expect(clock.pendingTimers).toBe(0);
  });

  it("ends with a line in the log when the outputs fail", async () => {
    const { clock, read, logged } = await subscribe(async function* () {
      await Promise.resolve();
      yield [1];
      throw new Error("broken");
    });
    await read();
    await read();
    expect(await read()).toBeUndefined();
    expect(logged).toHaveLength(1);
    expect(clock.pendingTimers).toBe(0);
  });

  it.each([
    ["cancels the response", (s: Subscription) => s.leave()],
    [
      "aborts the request",
      (s: Subscription) => {
        s.client.abort();
        return Promise.resolve();
      },
    ],
  ])(
    "tells the service, closes its iterable and stops its timer when the client %s",
    async (_title, go) => {
      let wasClosed = false;
      const subscription = await subscribe(async function* (signal) {
        try {
          yield ["first"];
          await aborted(signal);
        } finally {
          wasClosed = true;
        }
      });
      await subscription.read();
      await subscription.read();
      await subscription.clock.advanceAsync(0);
      expect(subscription.service.subscription?.aborted).toBe(false);
      await go(subscription);
      await subscription.clock.advanceAsync(0);
      expect(subscription.service.subscription?.aborted).toBe(true);
      expect(wasClosed).toBe(true);
      expect(subscription.clock.pendingTimers).toBe(0);
      expect(subscription.logged).toEqual([]);
    },
  );

  it("does not begin what a client left before it began", async () => {
    const client = new AbortController();
    client.abort();
    const service = new FakeStreamService();
    const clock = new ManualClock();
    const router = createRouter(service, { clock });
    const request = new Request("http://127.0.0.1/outputs?webrtc_id=a", { signal: client.signal });
    const response = await router(request);
    expect(await response?.text()).toBe("retry: 2000\n\n");
    expect(service.subscription?.aborted).toBe(true);
    expect(clock.pendingTimers).toBe(0);
  });
});

async function isPending(promise: Promise<unknown>): Promise<boolean> {
  const pending = Symbol("pending");
  return (await Promise.race([promise, Promise.resolve(pending)])) === pending;
}

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import {
  HandlerError,
  InvalidOptionError,
  InvalidStateError,
  NegotiationError,
  TimeoutError,
  TransportError,
} from "../../errors.ts";
import { silentLogger } from "../../observe/logger.ts";
import { ManualClock } from "../../testing/manual-clock.ts";
import { BackplaneHub } from "./backplane-hub.ts";
import type { BackplaneNode } from "./backplane.ts";
import { MemoryBackplane } from "./memory-backplane.ts";
import { RemoteCalls } from "./remote-calls.ts";
import type { RemoteCallsOptions } from "./remote-calls.ts";
import { MAX_MESSAGE_CHARS } from "./remote-message.ts";
import type { RemoteCaller, RemoteService } from "./remote-serving.ts";
import { SessionOutputs } from "../outputs.ts";

/** Answers with what it is told to. */
class TestService implements RemoteService {
  readonly asked: unknown[] = [];
  readonly callers: RemoteCaller[] = [];
  reply: (request: unknown, caller: RemoteCaller) => unknown = (request) => request;
  source: (caller: RemoteCaller) => AsyncIterable<unknown> = () => {
    throw new Error("No source.");
  };

  async answer(request: unknown, caller: RemoteCaller): Promise<unknown> {
    this.asked.push(request);
    this.callers.push(caller);
    return this.reply(request, caller);
  }

  async open(request: unknown, caller: RemoteCaller): Promise<AsyncIterable<unknown>> {
    this.asked.push(request);
    this.callers.push(caller);
    return this.source(caller);
  }
}

interface Process {
  readonly backplane: MemoryBackplane;
  readonly node: BackplaneNode;
  readonly service: TestService;
  readonly calls: RemoteCalls;
  /** Loses messages on their way out, while it returns true. */
  losesMessage: (text: string) => boolean;
}

describe("RemoteCalls", () => {
  let clock: ManualClock;
  let hub: BackplaneHub;
  let here: Process;
  let there: Process;
  const warn = vi.fn();

  async function join(options: Partial<RemoteCallsOptions> = {}): Promise<Process> {
    const backplane = new MemoryBackplane({ hub });
    const service = new TestService();
    const node = await backplane.join("voice", {
      onMessage: (from, text) => process.calls.onMessage(from, text),
      onGone: (nodeId) => process.calls.onGone(nodeId),
      onLost: () => undefined,
    });
    const calls = new RemoteCalls({
      node: {
        send: (to, text) => (process.losesMessage(text) ? Promise.resolve() : node.send(to, text)),
      },
      service,
      clock,
      logger: { ...silentLogger, warn },
      ...options,
    });
    const process: Process = { backplane, node, service, calls, losesMessage: () => false };
    return process;
  }

  /** Lets messages arrive. */
  const settle = (): Promise<void> => clock.advanceAsync(0);

  beforeEach(async () => {
    warn.mockClear();
    clock = new ManualClock();
    hub = new BackplaneHub({ clock, logger: silentLogger });
    [here, there] = [await join(), await join()];
  });
  afterEach(async () => {
    here.calls.close();
    there.calls.close();
    await hub.close();
    await settle();
    expect(here.calls.pending).toEqual({ calls: 0, streams: 0 });
    expect(clock.pendingTimers).toBe(0);
  });

  describe("a call", () => {
    it("is answered by the other process", async () => {
      there.service.reply = (request) => ({ echo: request });
      expect(await here.calls.call(there.node.id, { op: "x" })).toEqual({ echo: { op: "x" } });
      expect(there.service.callers[0]?.nodeId).toBe(here.node.id);
      there.service.reply = () => undefined;
      expect(await here.calls.call(there.node.id, null)).toBeUndefined();
    });

    it("arrives in the order in which it is made", async () => {
      const numbers = Array.from({ length: 100 }, (_, index) => index);
      await Promise.all(numbers.map((number) => here.calls.call(there.node.id, number)));
      expect(there.service.asked).toEqual(numbers);
    });

    it("brings the other process's error, as the same class", async () => {
      there.service.reply = () => {
        throw new NegotiationError("No session has this webrtc_id.", {
          reason: "unknown_connection",
        });
      };
      const refusal = here.calls.call(there.node.id, 1);
      await expect(refusal).rejects.toBeInstanceOf(NegotiationError);
      await expect(refusal).rejects.toMatchObject({ reason: "unknown_connection", status: 404 });
      there.service.reply = () => {
        throw new Error("secret");
      };
      await expect(here.calls.call(there.node.id, 1)).rejects.toBeInstanceOf(HandlerError);
    });

    it("times out, and tells the other process that nobody waits", async () => {
      there.service.reply = () => new Promise(() => undefined);
      const refusal = expect(here.calls.call(there.node.id, 1)).rejects.toThrow(TimeoutError);
      await clock.advanceAsync(9_999);
      expect(here.calls.pending.calls).toBe(1);
      await clock.advanceAsync(1);
      await refusal;
      await settle();
      expect(there.service.callers[0]?.signal.aborted).toBe(true);
    });

    it("is given up with its signal's reason", async () => {
      there.service.reply = () => new Promise(() => undefined);
      const abort = new AbortController();
      const refusal = expect(here.calls.call(there.node.id, 1, abort.signal)).rejects.toBe(
        "enough",
      );
      await settle();
      abort.abort("enough");
      await refusal;
      await settle();
      expect(there.service.callers[0]?.signal.aborted).toBe(true);
      await expect(here.calls.call(there.node.id, 1, abort.signal)).rejects.toBe("enough");
    });

    it("does not wait for a process that dies", async () => {
      there.service.reply = () => new Promise(() => undefined);
      const refusal = expect(here.calls.call(there.node.id, 1)).rejects.toThrow(TransportError);
      await settle();
      there.backplane.crash();
      await refusal;
      await expect(here.calls.call(there.node.id, 1)).rejects.toThrow(TransportError);
    });

    it("stops answering a process that dies", async () => {
      there.service.reply = () => new Promise(() => undefined);
      const refusal = expect(here.calls.call(there.node.id, 1)).rejects.toThrow(InvalidStateError);
      await settle();
      here.backplane.crash();
      await settle();
      expect(there.service.callers[0]?.signal.aborted).toBe(true);
      here.calls.close();
      await refusal;
    });

    it("carries only what JSON can, up to a length", async () => {
      const circular: Record<string, unknown> = {};
      circular["self"] = circular;
      await expect(here.calls.call(there.node.id, circular)).rejects.toThrow(InvalidOptionError);
      const long = "x".repeat(MAX_MESSAGE_CHARS);
      await expect(here.calls.call(there.node.id, long)).rejects.toThrow(InvalidOptionError);
      there.service.reply = () => long;
      await expect(here.calls.call(there.node.id, 1)).rejects.toThrow(InvalidOptionError);
      there.service.reply = () => 1n;
      await expect(here.calls.call(there.node.id, 1)).rejects.toThrow(InvalidOptionError);
    });

    it("fails at once when too many wait, here or there", async () => {
      const few = await join({ maxPending: 2 });
      const never = (): Promise<unknown> => new Promise(() => undefined);
      few.service.reply = there.service.reply = never;
      const waiting = [1, 2].map((value) => few.calls.call(there.node.id, value));
      await expect(few.calls.call(there.node.id, 3)).rejects.toThrow(TransportError);
      const served = [1, 2].map((value) => here.calls.call(few.node.id, value));
      await expect(here.calls.call(few.node.id, 3)).rejects.toThrow("overloaded");
      const all = Promise.allSettled([...waiting, ...served]);
      few.calls.close();
      here.calls.close();
      expect((await all).map(({ status }) => status)).toEqual(Array(4).fill("rejected"));
    });

    it("is not answered by a third process", async () => {
      const third = await join();
      there.service.reply = () => new Promise(() => undefined);
      const refusal = expect(here.calls.call(there.node.id, 1)).rejects.toThrow(TimeoutError);
      await third.node.send(here.node.id, JSON.stringify({ kind: "answer", id: 1, body: "mine" }));
      await clock.advanceAsync(10_000);
      await refusal;
      third.calls.close();
    });
  });

  describe("a stream", () => {
    let outputs: SessionOutputs;
    beforeEach(() => {
      outputs = new SessionOutputs();
      there.service.source = ({ signal }) => outputs.subscribe(signal);
    });

    it("brings the items in order, and ends with its source", async () => {
      const stream = await here.calls.open(there.node.id, "outputs");
      outputs.push([1]);
      outputs.push([2, { deep: true }]);
      outputs.close();
      const items: unknown[] = [];
      for await (const item of stream) items.push(item);
      expect(items).toEqual([[1], [2, { deep: true }]]);
    });

    it("is refused before it begins", async () => {
      there.service.source = () => {
        throw new NegotiationError("The session has ended.", { reason: "connection_closed" });
      };
      await expect(here.calls.open(there.node.id, 1)).rejects.toMatchObject({ status: 410 });
    });

    it("throws the error of its source after the items before it", async () => {
      there.service.source = async function* () {
        yield 1;
        throw new TimeoutError("Too late.");
      };
      const stream = await here.calls.open(there.node.id, 1);
      expect(await stream.next()).toEqual({ done: false, value: 1 });
      await expect(stream.next()).rejects.toThrow(TimeoutError);
      expect(await stream.next()).toEqual({ done: true, value: undefined });
    });

    it.each(["its signal", "its reader"])("ends its source when %s ends it", async (who) => {
      const abort = new AbortController();
      const stream = await here.calls.open(there.node.id, 1, abort.signal);
      const next = stream.next();
      await settle();
      if (who === "its signal") abort.abort();
      else await stream.return?.();
      expect(await next).toEqual({ done: true, value: undefined });
      await settle();
      expect(there.service.callers[0]?.signal.aborted).toBe(true);
    });

    it("fails when its source's process dies, and ends its source when its reader's does", async () => {
      const stream = await here.calls.open(there.node.id, 1);
      const back = await there.calls.open(here.node.id, 1).catch((error: unknown) => error);
      expect(back).toBeInstanceOf(HandlerError);
      there.backplane.crash();
      await expect(stream.next()).rejects.toThrow(TransportError);

      const third = await join();
      third.service.source = there.service.source;
      await here.calls.open(third.node.id, 1);
      here.backplane.crash();
      await settle();
      expect(third.service.callers[0]?.signal.aborted).toBe(true);
      third.calls.close();
    });

    it("keeps the newest 256 items for a slow reader", async () => {
      there.service.source = async function* () {
        for (let i = 0; i < 1000; i++) yield i;
      };
      const stream = await here.calls.open(there.node.id, 1);
      await settle();
      const items: unknown[] = [];
      for await (const item of stream) items.push(item);
      expect(items).toEqual(Array.from({ length: 256 }, (_, index) => 744 + index));
    });

    it("keeps no more than 4 MB for a slow reader", async () => {
      there.service.source = async function* () {
        for (let i = 0; i < 20; i++) yield `${i}`.padEnd(900_000);
      };
      const stream = await here.calls.open(there.node.id, 1);
      await settle();
      const items: unknown[] = [];
      for await (const item of stream) items.push((item as string).trim());
      expect(items).toEqual(["16", "17", "18", "19"]);
    });

    it("leaves out an item that cannot be sent", async () => {
      const stream = await here.calls.open(there.node.id, 1);
      outputs.push([1n]);
      outputs.push(["x".repeat(MAX_MESSAGE_CHARS)]);
      outputs.push([2]);
      expect(await stream.next()).toEqual({ done: false, value: [2] });
      expect(warn).toHaveBeenCalledTimes(2);
    });

    it("fails when its end was lost on the way", async () => {
      const stream = await here.calls.open(there.node.id, 1);
      there.losesMessage = () => true;
      outputs.close();
      await settle();
      there.losesMessage = () => false;
      const refusal = expect(stream.next()).rejects.toThrow(TransportError);
      await clock.advanceAsync(15_000);
      await refusal;
    });

    it("fails when its source is silent, and lives as long as that answers", async () => {
      const stream = await here.calls.open(there.node.id, 1);
      await clock.advanceAsync(600_000);
      expect(here.calls.pending.streams).toBe(1);
      there.losesMessage = () => true;
      const refusal = expect(stream.next()).rejects.toThrow(TransportError);
      await clock.advanceAsync(45_000);
      await refusal;
    });

    it("ends its source when nobody has asked for it for long", async () => {
      await here.calls.open(there.node.id, 1);
      here.losesMessage = () => true;
      here.calls.close();
      await clock.advanceAsync(90_000);
      expect(there.service.callers[0]?.signal.aborted).toBe(true);
    });
  });

  it.each([
    ["no JSON", "{"],
    ["no object", "null"],
    ["an unknown kind", '{"kind":"constructor","id":1}'],
    ["no id", '{"kind":"call","id":"1"}'],
    ["too long", " ".repeat(MAX_MESSAGE_CHARS + 1)],
  ])("ignores a message that is %s, and logs it without its text", async (_what, text) => {
    await there.node.send(here.node.id, text);
    await there.node.send(here.node.id, text);
    await settle();
    expect(warn).toHaveBeenCalledTimes(1);
    expect(warn).toHaveBeenCalledWith(expect.any(String), {
      from: there.node.id,
      chars: text.length,
    });
    expect(await here.calls.call(there.node.id, "still")).toBe("still");
  });

  it("does not mind answers to what it never asked", async () => {
    for (const kind of ["answer", "item", "opened", "alive", "end", "lost", "error", "cancel"]) {
      await there.node.send(here.node.id, JSON.stringify({ kind, id: 77 }));
    }
    expect(await here.calls.call(there.node.id, "still")).toBe("still");
  });

  it("fails what waits when it is closed, and what comes after", async () => {
    there.service.reply = () => new Promise(() => undefined);
    const refusal = expect(here.calls.call(there.node.id, 1)).rejects.toThrow(InvalidStateError);
    here.calls.close();
    here.calls.close();
    await refusal;
    await expect(here.calls.call(there.node.id, 1)).rejects.toThrow(InvalidStateError);
  });
});

import { availableParallelism } from "node:os";
import { describe, expect, it } from "vitest";

import type { ReportInput } from "../../../test/workers/report-context.ts";
import { MemoryTransport } from "../../testing/memory-transport.ts";
import { sessionSelf } from "../../testing/session-self.ts";
import { InvalidOptionError, InvalidStateError } from "../../errors.ts";
import {
  contextOfTurn,
  createSessionContext,
  getContext,
  runInContext,
} from "../context/context.ts";
import { MemoryStore } from "../store/memory-store.ts";
import type { SessionContext } from "../context/session-context.ts";
import { SessionStoreView } from "../store/store-view.ts";
import type { SessionStore } from "../store/store.ts";
import { runInWorker } from "./run-in-worker.ts";

const MODULE = new URL("../../../test/workers/report-context.ts", import.meta.url);

const transport = new MemoryTransport();

function context(webrtcId: string, signal = new AbortController().signal): SessionContext {
  return createSessionContext({
    ...sessionSelf(webrtcId, { user: { id: webrtcId, roles: ["caller"] } }),
    transport: "memory",
    signal,
    send: (data) => transport.sendMessage({ type: "message", data }),
    warn: () => undefined,
    close: () => undefined,
  });
}

const run = (session: SessionContext, input: ReportInput): Promise<unknown> =>
  runInContext(session, () => runInWorker(MODULE, input));

function spiedStore(onCall: (call: string) => void): SessionStore {
  const store = new SessionStoreView(new MemoryStore(), "a");
  return new Proxy(store, {
    get(target, name: keyof SessionStore) {
      return (...args: never[]): unknown => {
        onCall(name);
        return (target[name] as (...all: never[]) => unknown)(...args);
      };
    },
  });
}

describe("runInWorker", () => {
  it("lets each worker know its own session, for many at once", async () => {
    const ids = Array.from({ length: 40 }, (_, index) => `s${index}`);
    const reports = await Promise.all(
      ids.map((id, index) => run(context(id), { waitMs: index % 3 })),
    );
    expect(reports).toEqual(
      ids.map((id) => ({
        id,
        json: expect.objectContaining({ webrtcId: id, userId: id }) as unknown,
        user: { id, roles: ["caller"] },
      })),
    );
  });

  it("has no context outside a session", async () => {
    expect(await runInWorker(MODULE, {})).toMatchObject({ id: undefined });
  });

  it("reaches the session's store and client", async () => {
    const session = context("a");
    await session.store.set("count", 41);
    expect(await run(session, { do: "store" })).toBe(42);
    expect(await session.store.get("from")).toBe("worker");
    await run(session, { do: "send" });
    expect(transport.messages.at(-1)).toEqual({ type: "message", data: { from: "worker" } });
  });

  it("says why the state cannot be read there", async () => {
    await expect(run(context("a"), { do: "state" })).rejects.toThrow("context.store");
  });

  it("passes on what the function throws, and outlives a thread that dies", async () => {
    await expect(run(context("a"), { do: "throw" })).rejects.toThrow(RangeError);
    await expect(run(context("a"), { do: "exit" })).rejects.toThrow(InvalidStateError);
    expect(await run(context("b"), {})).toMatchObject({ id: "b" });
  });

  it("aborts with the turn, and ends a thread that does not listen", async () => {
    for (const task of ["until-aborted", "spin"] as const) {
      const interruption = new AbortController();
      const { signal } = interruption;
      const turn = { id: "a:1", index: 1, signal, timings: {}, eager: false, transcript: "hi" };
      const running = run(contextOfTurn(context("a"), turn), { do: task });
      setTimeout(() => interruption.abort(new Error("barge-in")), 200);
      await expect(running).rejects.toThrow("barge-in");
    }
    expect(await run(context("c"), {})).toMatchObject({ id: "c" });
  });

  it("lets nothing that a function leaves running reach the session that comes after", async () => {
    const reached: unknown[] = [];
    const spied = (id: string): SessionContext =>
      createSessionContext({
        ...context(id),
        store: spiedStore((call) => reached.push(`${id} ${call}`)),
        send: (data) => reached.push([id, data]),
        close: () => reached.push(`${id} close`),
      });
    const count = availableParallelism();
    await Promise.all(
      Array.from({ length: count }, (_, i) => run(spied(`first${i}`), { do: "late" })),
    );
    await Promise.all(
      Array.from({ length: count }, (_, i) => run(spied(`second${i}`), { waitMs: 150 })),
    );
    expect(reached).toEqual([]);
  });

  it("works with the store in the context of the session that it belongs to", async () => {
    const seen: unknown[] = [];
    for (const id of ["a", "b"]) {
      const store = spiedStore(() => seen.push(getContext()?.webrtcId));
      await run(createSessionContext({ ...context(id), store }), { do: "store" });
    }
    expect(seen).toEqual(["a", "a", "a", "b", "b", "b"]);
  });

  it("refuses what it cannot run or copy", async () => {
    await expect(runInWorker("./heavy.js" as never)).rejects.toThrow(InvalidOptionError);
    await expect(runInWorker(MODULE, { callback: () => 1 })).rejects.toThrow(InvalidOptionError);
  });
});

import { describe, expect, it, vi } from "vitest";
import { z } from "zod";

import { MemoryServer, settle } from "../test/memory-server.ts";
import { AuthenticationError, SessionLimitError } from "./errors.ts";
import { silentLogger } from "./observe/logger.ts";
import type { Logger } from "./observe/logger.ts";
import { BackplaneHub } from "./session/backplane/backplane-hub.ts";
import type { Backplane, BackplaneListener } from "./session/backplane/backplane.ts";
import { MemoryBackplane } from "./session/backplane/memory-backplane.ts";
import { ManualClock } from "./testing/manual-clock.ts";

const byHeader = (request: Request): { id: string } | undefined => {
  const id = request.headers.get("authorization");
  return id === null ? undefined : { id };
};
const as = (id: string): { headers: Record<string, string> } => ({
  headers: { authorization: id },
});

describe("who may come in", () => {
  it("is decided by authenticate, whose answer is the context's user", async () => {
    const server = new MemoryServer({ authenticate: byHeader });
    const { context } = await server.visit("a", as("ada"));
    expect(context.user).toEqual({ id: "ada" });
    await expect(server.visit("b")).rejects.toThrow(AuthenticationError);
    expect(server.transports).toBe(1);
  });

  it.each([undefined, null, false])("is nobody where authenticate returns %s", async (nobody) => {
    const server = new MemoryServer({ authenticate: () => nobody });
    await expect(server.visit("a")).rejects.toThrow(AuthenticationError);
  });

  it("is nobody where authenticate throws, and the log says why", async () => {
    const lines: unknown[] = [];
    const logger: Logger = { ...silentLogger, warn: (text, fields) => lines.push([text, fields]) };
    const failure = new Error("jwt malformed");
    const authenticate = (): never => {
      throw failure;
    };
    const server = new MemoryServer({ authenticate, logger });
    await expect(server.visit("a")).rejects.toMatchObject({ message: "Not authorized." });
    expect(lines).toEqual([[expect.any(String), { error: failure }]]);
  });
});

describe("parameters", () => {
  const params = z.object({
    language: z.enum(["de", "en"]).default("en"),
    tenant: z.object({ id: z.string() }),
  });

  it("are validated, defaults applied, before anything is allocated", async () => {
    const server = new MemoryServer({ params });
    const { context } = await server.visit("a", { params: { tenant: { id: "blue" } } });
    expect(context.params).toEqual({ language: "en", tenant: { id: "blue" } });
    await expect(server.visit("b", { params: { tenant: { id: 3 } } })).rejects.toMatchObject({
      status: 400,
      issues: [{ path: "tenant.id" }],
    });
    await expect(server.visit("b")).rejects.toMatchObject({ issues: [{ path: "tenant" }] });
    expect(server.transports).toBe(1);
    expect(server.sessions.registry.size).toBe(1);
  });

  it("are passed on unchecked where no schema is given", async () => {
    const server = new MemoryServer();
    expect((await server.visit("a", { params: { any: 1 } })).context.params).toEqual({ any: 1 });
    expect((await server.visit("b")).context.params).toBeUndefined();
  });
});

describe("an id", () => {
  it("belongs to one caller at a time", async () => {
    const server = new MemoryServer();
    await server.visit("a");
    await expect(server.visit("a")).rejects.toMatchObject({ reason: "connection_already_exists" });
    const both = await Promise.allSettled([server.visit("b"), server.visit("b")]);
    expect(both.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
  });

  it("that somebody else takes later shows nothing of the one before", async () => {
    const server = new MemoryServer({ state: () => ({ seen: [] as string[] }) });
    const first = await server.visit("a");
    (first.context.state as { seen: string[] }).seen.push("secret");
    await first.context.store.set("history", ["secret"]);
    first.transport.disconnect("lost");
    await settle();
    const second = await server.visit("a");
    expect(second.resumed).toBe(false);
    expect(second.context.state).toEqual({ seen: [] });
    expect(await second.context.store.get("history")).toBeUndefined();
    expect(second.sessionToken).not.toBe(first.sessionToken);
  });

  it("keeps what the application has put into its store before it begins", async () => {
    const server = new MemoryServer();
    await server.sessions.stores.of("a").set("greeting", "hello");
    expect(await (await server.visit("a")).context.store.get("greeting")).toBe("hello");
  });

  it("of a lost session is refused to strangers where callers are authenticated", async () => {
    const server = new MemoryServer({ authenticate: byHeader });
    const { transport } = await server.visit("a", as("ada"));
    transport.disconnect("lost");
    await settle();
    await expect(server.visit("a", as("eve"))).rejects.toMatchObject({
      reason: "connection_already_exists",
    });
  });
});

describe("a caller who comes back", () => {
  it("finds state, store, inputs, parameters and creation time, and a new signal", async () => {
    const server = new MemoryServer({ params: z.object({ language: z.string() }) });
    const first = await server.visit("a", { params: { language: "de" } });
    first.context.state["turns"] = 3;
    await first.context.store.set("history", ["hello"]);
    first.session.inputs.set({ voice: "alto" });
    await server.clock.advanceAsync(500);
    first.transport.disconnect("lost");
    await settle();
    expect(first.context.signal.aborted).toBe(true);

    const second = await server.visit("a", { token: first.sessionToken });
    expect(second.resumed).toBe(true);
    expect(second.context).toMatchObject({
      webrtcId: "a",
      resumed: true,
      state: { turns: 3 },
      params: { language: "de" },
      createdAt: first.context.createdAt,
    });
    expect(second.context.state).toBe(first.context.state);
    expect(second.session.inputs.latest).toEqual({ voice: "alto" });
    expect(second.context.signal.aborted).toBe(false);
    expect(await second.context.store.get("history")).toEqual(["hello"]);
    expect(second.sessionToken).toBe(first.sessionToken);
  });

  it("takes over from the session that has not noticed its loss yet", async () => {
    const server = new MemoryServer({ concurrencyLimit: 1 });
    const first = await server.visit("a");
    first.context.state["turns"] = 1;
    const second = await server.visit("a", { token: first.sessionToken });
    expect(first.transport.isClosed).toBe(true);
    expect(second.context).toMatchObject({ resumed: true, state: { turns: 1 } });
    expect(server.sessions.registry.size).toBe(1);
  });

  it("is refused with a foreign token, and nothing is taken from the owner", async () => {
    const server = new MemoryServer();
    const first = await server.visit("a");
    const other = await server.visit("b");
    await expect(server.visit("a", { token: other.sessionToken })).rejects.toThrow(
      AuthenticationError,
    );
    expect(first.transport.isClosed).toBe(false);
    first.transport.disconnect("lost");
    await settle();
    await expect(server.visit("a", { token: "x".repeat(100) })).rejects.toThrow(
      AuthenticationError,
    );
    const second = await server.visit("a", { token: first.sessionToken });
    expect(second.resumed).toBe(true);
  });

  it("comes too late when the time is over", async () => {
    const server = new MemoryServer({ resumeSeconds: 10 });
    const first = await server.visit("a");
    first.transport.disconnect("lost");
    await settle();
    await server.clock.advanceAsync(10_001);
    await expect(server.visit("a", { token: first.sessionToken })).rejects.toMatchObject({
      reason: "connection_closed",
    });
  });

  it("is none who was told no token: nothing is kept", async () => {
    const server = new MemoryServer({ authenticate: byHeader });
    const { transport } = await server.visit("a", { ...as("ada"), tellsToken: false });
    transport.disconnect("lost");
    await settle();
    expect(await server.visit("a", as("eve"))).toMatchObject({ resumed: false });
  });

  it("does not find a session that we have ended", async () => {
    const server = new MemoryServer();
    const first = await server.visit("a");
    first.context.close("bye");
    await settle();
    expect(first.transport.messages.at(-1)).toEqual({ type: "end_stream", data: "bye" });
    await expect(server.visit("a", { token: first.sessionToken })).rejects.toMatchObject({
      reason: "connection_closed",
    });
  });
});

describe("many processes", () => {
  const two = (options: ConstructorParameters<typeof MemoryServer>[0] = {}): MemoryServer[] => {
    const clock = new ManualClock();
    const hub = new BackplaneHub({ clock, logger: silentLogger });
    return [new MemoryServer(options, { clock, hub }), new MemoryServer(options, { clock, hub })];
  };

  it("share ids and the limit", async () => {
    const [here, there] = two({ concurrencyLimit: 2 });
    await here!.visit("a");
    await expect(there!.visit("a")).rejects.toMatchObject({ reason: "connection_already_exists" });
    await there!.visit("b");
    await expect(here!.visit("c")).rejects.toThrow(SessionLimitError);
    expect(await there!.sessions.count()).toBe(2);
  });

  it("reach each other's sessions", async () => {
    const [here, there] = two();
    const { context, transport, session } = await here!.visit("a");
    const { operations } = there!.sessions;
    await operations.send("a", { hello: 1 });
    expect(transport.messages).toContainEqual({ type: "message", data: { hello: 1 } });
    await operations.setInputs("a", { voice: "bass" }, "application");
    expect(session.inputs.latest).toEqual({ voice: "bass" });
    expect(await operations.describe("a")).toEqual(JSON.parse(JSON.stringify(context)));
    await context.store.set("metadata", { words: 3 });
    expect(await there!.sessions.stores.of("a").get("metadata")).toEqual({ words: 3 });
    await operations.close("a", "enough");
    expect(transport.messages.at(-1)).toEqual({ type: "end_stream", data: "enough" });
    await settle();
    await expect(operations.send("a", 1)).rejects.toMatchObject({ reason: "unknown_connection" });
  });

  it("check the token where the session is", async () => {
    const [here, there] = two({ authenticate: byHeader });
    const { sessionToken } = await here!.visit("a", as("ada"));
    const { operations } = there!.sessions;
    for (const token of [undefined, "wrong"]) {
      await expect(operations.setInputs("a", {}, { token })).rejects.toThrow(AuthenticationError);
      await expect(operations.outputs("a", { token }, undefined)).rejects.toThrow(
        AuthenticationError,
      );
    }
    await operations.setInputs("a", {}, { token: sessionToken });
  });

  it("stream outputs to where they are read, until the session ends", async () => {
    const [here, there] = two();
    const { session, transport } = await here!.visit("a");
    session.outputs.push(["first"]);
    const outputs = await there!.sessions.operations.outputs("a", "application", undefined);
    session.outputs.push([{ second: 2 }, 3]);
    const read: unknown[] = [];
    const reading = (async () => {
      for await (const args of outputs) read.push(args);
    })();
    await settle();
    transport.disconnect("remote");
    await reading;
    expect(read).toEqual([["first"], [{ second: 2 }, 3]]);
  });

  it("take back a client whose process has died: its store is there, its state is new", async () => {
    const [here, there] = two();
    let now = Date.now();
    const time = vi.spyOn(Date, "now").mockImplementation(() => now++);
    const first = await here!.visit("a");
    first.context.state["turns"] = 3;
    await first.context.store.set("history", ["hello"]);
    here!.backplane.crash();
    await settle();
    const second = await there!.visit("a", { token: first.sessionToken });
    expect(second.context).toMatchObject({ resumed: true, state: {} });
    time.mockRestore();
    expect(second.context.createdAt).toEqual(first.context.createdAt);
    expect(await second.context.store.get("history")).toEqual(["hello"]);
  });

  it("ask a client to come again whose process does not answer and is not known to be dead", async () => {
    const [here, there] = two();
    const { sessionToken } = await here!.visit("a");
    here!.sessions.host.letGo = () => new Promise(() => undefined);
    const visit = expect(there!.visit("a", { token: sessionToken })).rejects.toMatchObject({
      reason: "unavailable",
      status: 503,
    });
    await settle();
    await there!.clock.advanceAsync(10_000);
    await visit;
  });

  it("end what lives of a session that its client has taken elsewhere", async () => {
    const inner = new MemoryBackplane();
    let listener: BackplaneListener | undefined;
    const backplane: Backplane = {
      join: (stream, joined) => inner.join(stream, (listener = joined)),
      store: (stream) => inner.store(stream),
      close: () => inner.close(),
    };
    const server = new MemoryServer({ backplane });
    const [lost, kept] = [await server.visit("lost"), await server.visit("kept")];
    listener?.onLost("lost");
    listener?.onLost("never here");
    await settle();
    expect(lost.transport.messages.at(-1)).toEqual({ type: "update_connection", data: "closed" });
    expect([lost.transport.isClosed, kept.transport.isClosed]).toEqual([true, false]);
  });
});

describe("draining", () => {
  it("lets nobody in, and waits for those who are in, but not for ever", async () => {
    const server = new MemoryServer();
    const { transport } = await server.visit("a");
    let isDrained = false;
    const drained = server.sessions.drain(5000).then(() => (isDrained = true));
    await expect(server.visit("b")).rejects.toMatchObject({
      reason: "server_closing",
      status: 503,
    });
    await server.clock.advanceAsync(1000);
    expect(isDrained).toBe(false);
    transport.disconnect("remote");
    await server.clock.advanceAsync(200);
    expect(isDrained).toBe(true);
    await drained;

    const slow = new MemoryServer();
    await slow.visit("a");
    const over = slow.sessions.drain(5000);
    await slow.clock.advanceAsync(5001);
    await over;
    expect(slow.sessions.registry.size).toBe(1);
  });

  it("leaves no timer once it is closed", async () => {
    const server = new MemoryServer();
    const { transport } = await server.visit("a");
    await server.visit("b");
    transport.disconnect("lost");
    await server.sessions.close({ type: "update_connection", data: "closed" });
    await server.hub.close();
    await settle();
    expect(server.sessions.registry.size).toBe(0);
    expect(server.clock.pendingTimers).toBe(0);
  });
});

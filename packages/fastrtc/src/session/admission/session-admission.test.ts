import { describe, expect, it } from "vitest";
import { z } from "zod";

import { MemoryServer, settle } from "../../../test/memory-server.ts";
import { AuthenticationError } from "../../errors.ts";
import { silentLogger } from "../../observe/logger.ts";
import { ManualClock } from "../../testing/manual-clock.ts";
import { BackplaneHub } from "../backplane/backplane-hub.ts";
import { MemoryStore } from "../store/memory-store.ts";

function processes(options: ConstructorParameters<typeof MemoryServer>[0] = {}): {
  readonly here: MemoryServer;
  readonly there: MemoryServer;
} {
  const clock = new ManualClock();
  const hub = new BackplaneHub({ clock, logger: silentLogger });
  const shared = { clock, hub };
  return { here: new MemoryServer(options, shared), there: new MemoryServer(options, shared) };
}

/** A store that can be taken away. */
class FlakyStore extends MemoryStore {
  isDown = false;

  override async get(session: string, key: string): Promise<string | undefined> {
    if (this.isDown) throw new Error("connection refused");
    return await super.get(session, key);
  }
}

describe("what is kept of a lost session", () => {
  it("is not shown to the next one of its id, who comes back from another process", async () => {
    const { here, there } = processes();
    const first = await here.visit("a", { params: { name: "ada" } });
    first.context.state["secret"] = "ada's";
    first.session.inputs.set("ada's inputs");
    first.transport.disconnect("lost");
    await settle();
    const stranger = await there.visit("a");
    stranger.transport.disconnect("lost");
    await settle();
    const back = await here.visit("a", { token: stranger.sessionToken });
    expect(back.resumed).toBe(true);
    expect(back.context.state).toEqual({});
    expect(back.context.params).toBeUndefined();
    expect(back.session.inputs.latest).toEqual([]);
  });

  it("is not shown to its own client either when that has gone on elsewhere meanwhile", async () => {
    const { here, there } = processes();
    const first = await here.visit("a");
    const token = first.sessionToken;
    first.context.state["turns"] = 1;
    first.transport.disconnect("lost");
    await settle();
    const second = await there.visit("a", { token });
    second.transport.disconnect("lost");
    await settle();
    const third = await here.visit("a", { token });
    expect(third).toMatchObject({ resumed: true, context: { state: {} } });
    expect(third.context.state).not.toBe(first.context.state);
  });

  it("survives an attempt that fails halfway", async () => {
    const store = new FlakyStore();
    const server = new MemoryServer({ store });
    const first = await server.visit("a");
    first.context.state["turns"] = 3;
    first.transport.disconnect("lost");
    await settle();
    store.isDown = true;
    const again = { token: first.sessionToken };
    await expect(server.visit("a", again)).rejects.toMatchObject({ reason: "unavailable" });
    expect(server.sessions.registry.size).toBe(0);
    expect(await server.sessions.count()).toBe(0);
    store.isDown = false;
    expect((await server.visit("a", again)).context).toMatchObject({
      resumed: true,
      state: { turns: 3 },
    });
  });
});

describe("a session that we are ending", () => {
  it("is not carried on by a client that comes back before it has ended", async () => {
    const server = new MemoryServer();
    const { transport, context, sessionToken } = await server.visit("a");
    context.state["turns"] = 3;
    let hasGone: () => void = () => undefined;
    transport.close = async () => {
      await new Promise<void>((resolve) => (hasGone = resolve));
      transport.disconnect("local");
    };
    context.close("Go away");
    const back = server.visit("a", { token: sessionToken });
    await settle();
    hasGone();
    expect(await back).toMatchObject({ resumed: false, context: { state: {} } });
    expect((await back).context.state).not.toBe(context.state);
  });
});

describe("a client that comes back to another process before its loss is noticed", () => {
  it("goes on there, and the session that it left ends", async () => {
    const { here, there } = processes();
    const { transport, sessionToken } = await here.visit("a");
    const back = await there.visit("a", { token: sessionToken });
    expect(back).toMatchObject({ resumed: true, context: { webrtcId: "a" } });
    expect(transport.isClosed).toBe(true);
    expect(here.sessions.registry.size).toBe(0);
    expect(await there.sessions.count()).toBe(1);
  });

  it("is refused with another's token, and nothing ends", async () => {
    const { here, there } = processes();
    const { transport } = await here.visit("a");
    const { sessionToken: other } = await here.visit("b");
    await expect(there.visit("a", { token: other })).rejects.toBeInstanceOf(AuthenticationError);
    await there.sessions.operations.letGo({ webrtcId: "a", sessionToken: other });
    expect(transport.isClosed).toBe(false);
  });

  it("does not undo that it is being sent away", async () => {
    const { here, there } = processes();
    const { context, transport, sessionToken } = await here.visit("a");
    let hasGone: () => void = () => undefined;
    transport.close = async () => {
      await new Promise<void>((resolve) => (hasGone = resolve));
      transport.disconnect("local");
    };
    context.close("Go away");
    const back = there.visit("a", { token: sessionToken });
    await settle();
    hasGone();
    expect(await back).toMatchObject({ resumed: false });
  });
});

describe("a process that drains", () => {
  it("lets a session go to another process as soon as its client comes back", async () => {
    const { here, there } = processes();
    const { transport, sessionToken } = await here.visit("a");
    void here.sessions.drain(60_000);
    const again = { token: sessionToken };
    await expect(here.visit("a", again)).rejects.toMatchObject({ reason: "server_closing" });
    expect(transport.isClosed).toBe(true);
    expect(await there.visit("a", again)).toMatchObject({ resumed: true });
  });

  it("lets it go as well when it has begun to drain on the client's way in", async () => {
    const { here, there } = processes({
      authenticate: async () => {
        if (isDraining) void here.sessions.drain(60_000);
        return Promise.resolve("ada");
      },
    });
    let isDraining = false;
    const { sessionToken } = await here.visit("a");
    const again = { token: sessionToken };
    isDraining = true;
    await expect(here.visit("a", again)).rejects.toMatchObject({ reason: "server_closing" });
    isDraining = false;
    expect(await there.visit("a", again)).toMatchObject({ resumed: true });
  });

  it("keeps a session that somebody else asks for", async () => {
    const { here } = processes();
    const { transport } = await here.visit("a");
    const { sessionToken: other } = await here.visit("b");
    void here.sessions.drain(60_000);
    await expect(here.visit("a", { token: other })).rejects.toMatchObject({
      reason: "server_closing",
    });
    expect(transport.isClosed).toBe(false);
  });
});

describe("a place", () => {
  it("is given back by whoever fails after having taken it", async () => {
    const failures = [new Error("no state")];
    const state = (): object => {
      const failure = failures.pop();
      if (failure) throw failure;
      return {};
    };
    const server = new MemoryServer({ state, concurrencyLimit: 1 });
    await expect(server.visit("a")).rejects.toThrow("no state");
    expect(await server.sessions.count()).toBe(0);
    await server.visit("a");
  });

  it("is given back when the store never answers", async () => {
    const store = new MemoryStore();
    store.get = () => new Promise(() => undefined);
    const server = new MemoryServer({ store, concurrencyLimit: 1 });
    const visit = expect(server.visit("a")).rejects.toMatchObject({ reason: "unavailable" });
    await settle();
    await server.clock.advanceAsync(10_000);
    await visit;
    expect(server.sessions.registry.size).toBe(0);
    expect(await server.sessions.count()).toBe(0);
    expect(server.clock.pendingTimers).toBe(0);
  });
});

describe("a token", () => {
  it("that was another's when the session ended does not end the next one of the id", async () => {
    const gate: (() => void)[] = [];
    const params = z.unknown().transform(async (value) => {
      if (value === "slow") await new Promise<void>((resolve) => gate.push(resolve));
      return value;
    });
    const server = new MemoryServer({ params, resumeSeconds: 0 });
    const first = await server.visit("a", { params: "first" });
    const late = server.visit("a", { token: first.sessionToken, params: "slow" });
    const refused = expect(late).rejects.toMatchObject({ reason: "connection_already_exists" });
    await settle();
    first.transport.disconnect("remote");
    await settle();
    const second = await server.visit("a", { params: "second" });
    // The schema is asked twice: first whether it can answer at once.
    for (const open of gate) open();
    await refused;
    expect(second.transport.isClosed).toBe(false);
  });
});

describe("closing", () => {
  it("leaves no session behind that was about to begin", async () => {
    const gate: (() => void)[] = [];
    const store = new MemoryStore();
    const get = store.get.bind(store);
    store.get = async (...args) => {
      await new Promise<void>((resolve) => gate.push(resolve));
      return await get(...args);
    };
    const server = new MemoryServer({ store });
    const visit = expect(server.visit("a")).rejects.toMatchObject({ reason: "server_closing" });
    await settle();
    await server.sessions.close({ type: "update_connection", data: "closed" });
    gate[0]?.();
    await visit;
    expect(server.transports).toBe(0);
    expect(server.sessions.registry.size).toBe(0);
  });

  it("does not join the other processes again for whoever asks afterwards", async () => {
    const server = new MemoryServer();
    await server.sessions.close({ type: "update_connection", data: "closed" });
    await expect(server.sessions.operations.send("a", 1)).rejects.toMatchObject({
      reason: "unavailable",
    });
    const listener = { onMessage: settle, onGone: settle, onLost: settle };
    await expect(server.backplane.join("stream", listener)).resolves.toBeDefined();
  });
});

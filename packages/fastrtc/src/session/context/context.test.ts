import { EventEmitter } from "node:events";
import { inspect } from "node:util";
import { describe, expect, it } from "vitest";

import { NoContextError } from "../../errors.ts";
import {
  bindContext,
  contextOfTurn,
  createSessionContext,
  getContext,
  getCurrentContext,
  runInContext,
} from "./context.ts";
import type { SessionContext, Turn } from "./context.ts";
import { sessionSelf } from "../../testing/session-self.ts";

function context(webrtcId: string): SessionContext {
  return createSessionContext({
    ...sessionSelf(webrtcId, {
      request: {
        method: "POST",
        url: "http://test/webrtc/offer?access_token=hidden&lang=en",
        headers: new Headers({ authorization: "Bearer secret", "x-tenant": "blue" }),
        remoteAddress: "192.0.2.1",
      },
      user: { id: 7, passwordHash: "hidden" },
      params: { language: "en", apiKey: "hidden" },
    }),
    transport: "memory",
    signal: new AbortController().signal,
    send: () => undefined,
    warn: () => undefined,
    close: () => undefined,
  });
}

const turn = (index: number): Turn => ({
  id: `a:${index}`,
  index,
  signal: new AbortController().signal,
  timings: {},
  eager: false,
  transcript: undefined,
});

describe("the session's context", () => {
  it("is undefined outside a session, and asking for it by force says why", () => {
    expect(getContext()).toBeUndefined();
    expect(() => getCurrentContext()).toThrow(NoContextError);
    expect(() => getCurrentContext()).toThrow("bindContext");
  });

  it("follows awaits, timers and promises, for many sessions at once", async () => {
    const seen = await Promise.all(
      Array.from({ length: 500 }, (_, i) =>
        runInContext(context(`s${i}`), async () => {
          await new Promise((resolve) => setTimeout(resolve, i % 7));
          await Promise.resolve();
          return getCurrentContext().webrtcId;
        }),
      ),
    );
    expect(seen).toEqual(Array.from({ length: 500 }, (_, i) => `s${i}`));
  });

  it("reaches a listener only where it was bound", () => {
    const emitter = new EventEmitter();
    const seen: (string | undefined)[] = [];
    runInContext(context("a"), () => {
      emitter.on("event", () => seen.push(getContext()?.webrtcId));
      emitter.on(
        "event",
        bindContext(() => seen.push(getContext()?.webrtcId)),
      );
    });
    runInContext(context("b"), () => emitter.emit("event"));
    expect(seen).toEqual(["b", "a"]);
  });

  it("shows each reply its own turn, and shares the rest", () => {
    const session = context("a");
    const first = contextOfTurn(session, turn(1));
    const second = contextOfTurn(session, turn(2));
    expect([session.turn, first.turn?.index, second.turn?.index]).toEqual([undefined, 1, 2]);
    expect(second.signal).toBe(session.signal);
    expect(second.createdAt).toBe(session.createdAt);
  });

  it("cannot be changed", () => {
    expect(() => Object.assign(context("a"), { webrtcId: "b" })).toThrow(TypeError);
  });

  it("leaves the process without secrets, and names the user by its id only", () => {
    const leaving = contextOfTurn(context("a"), turn(3));
    expect(leaving.toJSON()).toMatchObject({
      webrtcId: "a",
      transport: "memory",
      turnId: "a:3",
      userId: 7,
      params: { language: "en" },
      request: { headers: { "x-tenant": "blue" } },
    });
    expect(JSON.stringify(leaving)).not.toMatch(/secret|hidden/);
  });

  it("is printed as it leaves the process", () => {
    expect(inspect(context("a"), { depth: 9 })).toContain("x-tenant");
    expect(inspect(context("a"), { depth: 9 })).not.toMatch(/secret|hidden/);
  });
});

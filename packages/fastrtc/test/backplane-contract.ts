/**
 * What every {@link Backplane} must do, as tests.
 *
 * A backplane's own test makes a {@link BackplaneWorld}, calls {@link testBackplane}, and, where
 * several processes can join it, {@link testSharedBackplane}.
 */

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { InvalidOptionError, TransportError } from "../src/errors.ts";
import type {
  Backplane,
  BackplaneListener,
  BackplaneNode,
  SessionClaim,
} from "../src/session/backplane/backplane.ts";

/** One or more processes that can join each other, and the time that they live in. */
export interface BackplaneWorld {
  /** Makes one process's backplane. A world for {@link testBackplane} alone is asked once. */
  connect(): Promise<Backplane>;
  /** Lets time pass: on a manual clock, or truly. */
  wait(durationMs: number): Promise<void>;
  /** Closes everything, whatever the test has closed already. */
  close(): Promise<void>;
}

/** Some processes of which one can die. */
export interface SharedBackplaneWorld extends BackplaneWorld {
  /** Makes a process vanish without a good-bye, as `kill -9` does. */
  crash(backplane: Backplane): Promise<void>;
  /** After how many milliseconds at most everybody knows of a crash. */
  readonly noticedAfterMs: number;
}

/** Writes down what a node is told. */
export class ListenerLog implements BackplaneListener {
  readonly messages: [from: string, message: string][] = [];
  readonly gone: string[] = [];
  readonly lost: string[] = [];

  onMessage(from: string, message: string): void {
    this.messages.push([from, message]);
  }

  onGone(nodeId: string): void {
    this.gone.push(nodeId);
  }

  onLost(webrtcId: string): void {
    this.lost.push(webrtcId);
  }
}

/** A claim by a client that presents no token; `change` says what is different. */
export function claimOf(webrtcId: string, change: Partial<SessionClaim> = {}): SessionClaim {
  return {
    webrtcId,
    tokenHash: `token-of-${webrtcId}`,
    presentedHash: undefined,
    mayReplace: false,
    createdAt: 1_000,
    limit: Infinity,
    ...change,
  };
}

const STREAM = "voice";

/**
 * Declares the tests of a directory and a bus that one process joins.
 *
 * @param name - The backplane's name.
 * @param createWorld - Makes an empty world for one test.
 */
export function testBackplane(name: string, createWorld: () => Promise<BackplaneWorld>): void {
  describe(`${name} for one process`, () => {
    let world: BackplaneWorld;
    let backplane: Backplane;
    let node: BackplaneNode;

    beforeEach(async () => {
      world = await createWorld();
      backplane = await world.connect();
      node = await backplane.join(STREAM, new ListenerLog());
    });
    afterEach(async () => {
      await world.close();
    });

    it("knows nothing at first", async () => {
      expect(await node.find("a")).toBeUndefined();
      expect(await node.count()).toBe(0);
    });

    it("gives a session to whoever claims it first", async () => {
      expect(await node.claim(claimOf("a"))).toEqual({ outcome: "claimed" });
      const record = {
        webrtcId: "a",
        owner: node.id,
        tokenHash: "token-of-a",
        createdAt: 1_000,
        isLive: true,
      };
      expect(await node.find("a")).toEqual(record);
      expect(await node.claim(claimOf("a", { tokenHash: "other" }))).toEqual({
        outcome: "taken",
        record,
      });
      expect(await node.count()).toBe(1);
    });

    it("does not give away a session that lives, not even for its token", async () => {
      await node.claim(claimOf("a"));
      const again = await node.claim(
        claimOf("a", { presentedHash: "token-of-a", mayReplace: true }),
      );
      expect(again.outcome).toBe("taken");
    });

    it("forgets a session that is released for good", async () => {
      await node.claim(claimOf("a"));
      await node.release("a", 0);
      expect(await node.find("a")).toBeUndefined();
      expect(await node.count()).toBe(0);
      expect(await node.claim(claimOf("a", { presentedHash: "token-of-a" }))).toEqual({
        outcome: "claimed",
      });
    });

    it("keeps a released session for a client that has its token", async () => {
      await node.claim(claimOf("a"));
      await node.release("a", 60_000);
      expect(await node.find("a")).toMatchObject({ isLive: false, tokenHash: "token-of-a" });
      expect(await node.count()).toBe(0);

      const resumed = await node.claim(
        claimOf("a", { presentedHash: "token-of-a", tokenHash: "next", createdAt: 9_000 }),
      );
      expect(resumed).toEqual({
        outcome: "claimed",
        resumed: { createdAt: 1_000, owner: node.id },
      });
      expect(await node.find("a")).toEqual({
        webrtcId: "a",
        owner: node.id,
        tokenHash: "next",
        createdAt: 1_000,
        isLive: true,
      });
    });

    it("keeps a released session from a wrong token, and from none unless it may be replaced", async () => {
      await node.claim(claimOf("a"));
      await node.release("a", 60_000);
      const wrong = claimOf("a", { presentedHash: "guess", mayReplace: true });
      expect((await node.claim(wrong)).outcome).toBe("taken");
      expect((await node.claim(claimOf("a"))).outcome).toBe("taken");
      expect(await node.find("a")).toMatchObject({ isLive: false, tokenHash: "token-of-a" });

      const replaced = await node.claim(claimOf("a", { mayReplace: true, createdAt: 9_000 }));
      expect(replaced).toEqual({ outcome: "claimed" });
      expect(await node.find("a")).toMatchObject({ isLive: true, createdAt: 9_000 });
    });

    it("forgets a released session when its time to be resumed is over", async () => {
      await node.claim(claimOf("a"));
      await node.release("a", 300);
      expect(await node.find("a")).toMatchObject({ isLive: false });
      await world.wait(450);
      expect(await node.find("a")).toBeUndefined();
      expect(await node.claim(claimOf("a", { presentedHash: "token-of-a" }))).toEqual({
        outcome: "claimed",
      });
    });

    it("does not forget a resumed session when its first time to be resumed is over", async () => {
      await node.claim(claimOf("a"));
      await node.release("a", 300);
      await node.claim(claimOf("a", { presentedHash: "token-of-a" }));
      await world.wait(450);
      expect(await node.find("a")).toMatchObject({ isLive: true });
    });

    it("forgets a waiting session that its owner releases for good", async () => {
      await node.claim(claimOf("a"));
      await node.release("a", 60_000);
      await node.release("a", 0);
      expect(await node.find("a")).toBeUndefined();
    });

    it("holds the limit over the sessions that live", async () => {
      expect((await node.claim(claimOf("a", { limit: 2 }))).outcome).toBe("claimed");
      expect((await node.claim(claimOf("b", { limit: 2 }))).outcome).toBe("claimed");
      expect(await node.claim(claimOf("c", { limit: 2 }))).toEqual({ outcome: "full" });
      expect(await node.find("c")).toBeUndefined();
      expect((await node.claim(claimOf("a", { limit: 2 }))).outcome).toBe("taken");
      expect((await node.claim(claimOf("c", { limit: 3 }))).outcome).toBe("claimed");
    });

    it("does not count waiting sessions towards the limit, but those that are resumed", async () => {
      await node.claim(claimOf("a", { limit: 1 }));
      await node.release("a", 60_000);
      expect((await node.claim(claimOf("b", { limit: 1 }))).outcome).toBe("claimed");
      const back = claimOf("a", { limit: 1, presentedHash: "token-of-a" });
      expect((await node.claim(back)).outcome).toBe("full");
      await node.release("b", 0);
      expect(await node.claim(back)).toMatchObject({ outcome: "claimed", resumed: {} });
    });

    it("lets nobody in at a limit of zero", async () => {
      expect((await node.claim(claimOf("a", { limit: 0 }))).outcome).toBe("full");
    });

    it("lets one of many simultaneous claims win", async () => {
      const claims = Array.from({ length: 50 }, (_, index) =>
        node.claim(claimOf("a", { tokenHash: String(index) })),
      );
      const outcomes = (await Promise.all(claims)).map(({ outcome }) => outcome);
      expect(outcomes.filter((outcome) => outcome === "claimed")).toHaveLength(1);
      expect(await node.count()).toBe(1);
    });

    it.each([
      ["names of prototypes", "__proto__"],
      ["control characters", "\u0000\r\n\u001b[31m"],
      ["separators", "a:b{c}|*?"],
      ["other scripts", "会话🎙"],
      ["10 kB names", "x".repeat(10_240)],
    ])("takes %s as they are", async (_what, webrtcId) => {
      expect(await node.find(webrtcId)).toBeUndefined();
      await node.claim(claimOf(webrtcId));
      expect(await node.find(webrtcId)).toMatchObject({
        webrtcId,
        tokenHash: `token-of-${webrtcId}`,
      });
      await node.release(webrtcId, 0);
      expect(await node.find(webrtcId)).toBeUndefined();
    });

    it("keeps streams apart", async () => {
      const other = await backplane.join("other", new ListenerLog());
      await node.claim(claimOf("a", { limit: 1 }));
      expect(await other.find("a")).toBeUndefined();
      expect((await other.claim(claimOf("a", { limit: 1 }))).outcome).toBe("claimed");
      expect(await node.count()).toBe(1);
    });

    it("refuses to join a stream twice, until the first has left", async () => {
      await expect(backplane.join(STREAM, new ListenerLog())).rejects.toThrow(InvalidOptionError);
      await node.leave();
      const again = await backplane.join(STREAM, new ListenerLog());
      expect(again.id).not.toBe(node.id);
    });

    it("forgets its sessions when it leaves, and leaves twice without complaint", async () => {
      await node.claim(claimOf("a"));
      await node.leave();
      await node.leave();
      const next = await backplane.join(STREAM, new ListenerLog());
      expect(await next.find("a")).toBeUndefined();
      expect(await next.count()).toBe(0);
    });

    it("refuses to send to a process that is not there", async () => {
      await expect(node.send("nobody", "hello")).rejects.toThrow(TransportError);
    });

    it("keeps the values of each stream's sessions", async () => {
      const store = backplane.store(STREAM);
      await store.set("a", "key", "1");
      expect(await backplane.store(STREAM).get("a", "key")).toBe("1");
      expect(await backplane.store("other").get("a", "key")).toBeUndefined();
    });

    it("closes twice without complaint", async () => {
      await backplane.close();
      await expect(backplane.close()).resolves.toBeUndefined();
    });
  });
}

/**
 * Declares the tests of a directory and a bus that several processes share.
 *
 * @param name - The backplane's name.
 * @param createWorld - Makes an empty world for one test.
 */
export function testSharedBackplane(
  name: string,
  createWorld: () => Promise<SharedBackplaneWorld>,
): void {
  describe(`${name} between processes`, () => {
    let world: SharedBackplaneWorld;
    let ours: Backplane;
    let theirs: Backplane;
    let here: BackplaneNode;
    let there: BackplaneNode;
    let heardHere: ListenerLog;
    let heardThere: ListenerLog;

    beforeEach(async () => {
      world = await createWorld();
      [ours, theirs] = [await world.connect(), await world.connect()];
      [heardHere, heardThere] = [new ListenerLog(), new ListenerLog()];
      here = await ours.join(STREAM, heardHere);
      there = await theirs.join(STREAM, heardThere);
    });
    afterEach(async () => {
      await world.close();
    });

    /** Waits until what `check` asserts is true, in the world's time. */
    async function eventually(check: () => void | Promise<void>, withinMs = 5_000): Promise<void> {
      const stepMs = 20;
      for (let left = withinMs; left > 0; left -= stepMs) {
        try {
          await check();
          return;
        } catch {
          await world.wait(stepMs);
        }
      }
      await check();
    }

    it("gives each process a name of its own", () => {
      expect(here.id).not.toBe(there.id);
    });

    it("shows everybody whose session it is", async () => {
      await here.claim(claimOf("a"));
      expect(await there.find("a")).toMatchObject({ owner: here.id, isLive: true });
      expect(await there.count()).toBe(1);
      expect(await there.claim(claimOf("a"))).toMatchObject({
        outcome: "taken",
        record: { owner: here.id },
      });
    });

    it("does not let a process release what another owns", async () => {
      await here.claim(claimOf("a"));
      await there.release("a", 0);
      expect(await here.find("a")).toMatchObject({ owner: here.id, isLive: true });
    });

    it("hands a waiting session to the process where its client comes back", async () => {
      await here.claim(claimOf("a"));
      await here.release("a", 60_000);
      const resumed = await there.claim(claimOf("a", { presentedHash: "token-of-a" }));
      expect(resumed).toEqual({
        outcome: "claimed",
        resumed: { createdAt: 1_000, owner: here.id },
      });
      await here.release("a", 0);
      expect(await here.find("a")).toMatchObject({ owner: there.id, isLive: true });
    });

    it("lets one of 200 claims from two processes win", async () => {
      const claims = Array.from({ length: 200 }, (_, index) =>
        (index % 2 === 0 ? here : there).claim(claimOf("a", { tokenHash: String(index) })),
      );
      const outcomes = (await Promise.all(claims)).map(({ outcome }) => outcome);
      expect(outcomes.filter((outcome) => outcome === "claimed")).toHaveLength(1);
      expect(outcomes.filter((outcome) => outcome === "taken")).toHaveLength(199);
    });

    it("never lets more in than the limit, whoever asks", async () => {
      const claims = Array.from({ length: 200 }, (_, index) =>
        (index % 2 === 0 ? here : there).claim(claimOf(`s${index}`, { limit: 17 })),
      );
      const outcomes = (await Promise.all(claims)).map(({ outcome }) => outcome);
      expect(outcomes.filter((outcome) => outcome === "claimed")).toHaveLength(17);
      expect(outcomes.filter((outcome) => outcome === "full")).toHaveLength(183);
      expect(await here.count()).toBe(17);
      expect(await there.count()).toBe(17);
    });

    it("delivers messages in the order in which they were sent", async () => {
      const sent = Array.from({ length: 500 }, (_, index) => `message ${index}`);
      await Promise.all(sent.map((message) => here.send(there.id, message)));
      await eventually(() => {
        expect(heardThere.messages).toHaveLength(sent.length);
      });
      expect(heardThere.messages).toEqual(sent.map((message) => [here.id, message]));
      expect(heardHere.messages).toEqual([]);
    });

    it("carries any text of up to 1 MB", async () => {
      const texts = ["", "\u0000\r\n🎙", "x".repeat(1_000_000)];
      for (const text of texts) await here.send(there.id, text);
      await eventually(() => {
        expect(heardThere.messages.map(([, message]) => message.length)).toEqual(
          texts.map((text) => text.length),
        );
      });
      expect(heardThere.messages.map(([, message]) => message)).toEqual(texts);
    });

    it("keeps messages within a stream", async () => {
      const heardElsewhere = new ListenerLog();
      await theirs.join("other", heardElsewhere);
      await here.send(there.id, "hello");
      await eventually(() => {
        expect(heardThere.messages).toEqual([[here.id, "hello"]]);
      });
      expect(heardElsewhere.messages).toEqual([]);
    });

    it("goes on when a listener throws", async () => {
      const listener = new ListenerLog();
      const onMessage = vi.spyOn(listener, "onMessage").mockImplementationOnce(() => {
        throw new Error("listener");
      });
      const backplane = await world.connect();
      const node = await backplane.join(STREAM, listener);
      await here.send(node.id, "first");
      await here.send(node.id, "second");
      await eventually(() => {
        expect(onMessage).toHaveBeenCalledTimes(2);
      });
      expect(listener.messages).toEqual([[here.id, "second"]]);
    });

    it("tells everybody when a process leaves, and forgets its sessions", async () => {
      await there.claim(claimOf("a"));
      await there.leave();
      await eventually(() => {
        expect(heardHere.gone).toEqual([there.id]);
      });
      expect(await here.find("a")).toBeUndefined();
      expect(await here.count()).toBe(0);
      await expect(here.send(there.id, "hello")).rejects.toThrow(TransportError);
    });

    it("keeps a leaving process's waiting sessions for their clients", async () => {
      await there.claim(claimOf("a"));
      await there.release("a", 60_000);
      await there.leave();
      expect(await here.find("a")).toMatchObject({ isLive: false });
      expect(await here.claim(claimOf("a", { presentedHash: "token-of-a" }))).toMatchObject({
        outcome: "claimed",
        resumed: { owner: there.id },
      });
    });

    it("notices a process that died, once, and lets its sessions be resumed", async () => {
      await there.claim(claimOf("a"));
      await there.claim(claimOf("b"));
      await here.claim(claimOf("mine"));
      await world.crash(theirs);
      await eventually(() => {
        expect(heardHere.gone).toEqual([there.id]);
      }, world.noticedAfterMs);

      expect(await here.count()).toBe(1);
      expect(await here.find("mine")).toMatchObject({ isLive: true });
      expect(await here.find("a")).toMatchObject({ owner: there.id, isLive: false });
      await expect(here.send(there.id, "hello")).rejects.toThrow(TransportError);
      expect((await here.claim(claimOf("a", { presentedHash: "guess" }))).outcome).toBe("taken");
      expect(await here.claim(claimOf("a", { presentedHash: "token-of-a", limit: 2 }))).toEqual({
        outcome: "claimed",
        resumed: { createdAt: 1_000, owner: there.id },
      });
      await world.wait(100);
      expect(heardHere.gone).toEqual([there.id]);
    });

    it("shares the values of sessions", async () => {
      await ours.store(STREAM).set("a", "key", "1");
      expect(await theirs.store(STREAM).get("a", "key")).toBe("1");
      expect(await theirs.store(STREAM).replace("a", "key", "1", "2")).toBe(true);
      expect(await ours.store(STREAM).get("a", "key")).toBe("2");
    });
  });
}

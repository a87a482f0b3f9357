/** One case for each rule of turn-taking that no corner case is named after. */

import { expect } from "vitest";
import { TurnWorld } from "./turn-world.ts";
import type { TurnModules, WorldSetup } from "./turn-world.ts";

/** Every case by what it shows; throws where it fails. */
export function transitionCases(modules?: TurnModules): Record<string, () => void> {
  const begin = (setup: WorldSetup = {}): TurnWorld =>
    new TurnWorld({ ...setup, ...(modules && { modules }) });
  const replying = (setup: WorldSetup = {}): TurnWorld => {
    const world = begin({ reply: () => ({ afterMs: 200, audioMs: 6500 }), ...setup });
    world.speaks(1024).pauses(640 + 200 + 700);
    expect(world.live?.audibleAt).toBeDefined();
    return world;
  };
  const endOf = (world: TurnWorld): number => {
    const event = world.last("turn-ended")!;
    return event.at - event.speechEndedAt;
  };

  return {
    "ends a turn after the silence, to the millisecond, and answers it at once"() {
      const world = begin();
      world.speaks(1024).pauses(639);
      expect(endOf(world)).toBe(640);
      expect(world.last("turn-ended")).toMatchObject({ cause: "silence", speechEndedAt: 1024 });
      expect(world.replies[0]?.key).toEqual({ turn: 1, rev: 0 });
      world.pauses(4000);
      expect(world.types()).toEqual([
        "speech-started",
        "turn-started",
        "speech-stopped",
        "turn-ended",
        "reply-started",
        "reply-audible",
        "reply-finished",
      ]);
    },

    "goes on with a turn that had only paused"() {
      const world = begin();
      world.speaks(500).pauses(576).speaks(500).pauses(1000);
      expect(world.all("turn-ended")).toHaveLength(1);
      expect(world.all("turn-started")).toHaveLength(1);
      expect(world.last("turn-ended")?.key).toEqual({ turn: 1, rev: 1 });
    },

    "puts off the end for a sound that becomes speech"() {
      const world = begin();
      // Its first window comes 32 ms before the end would, and it starts 32 ms after that.
      world.speaks(1024).pauses(576).speaks(96);
      expect(world.all("turn-ended")).toEqual([]);
      expect(world.state).toBe("speaking");
    },

    "puts off the end for a click only until it is known for one"() {
      const world = begin();
      world.speaks(1024).pauses(576).speaks(32).pauses(96);
      expect(world.all("turn-ended")).toEqual([]);
      world.pauses(32);
      expect(endOf(world)).toBe(576 + 32 + 128);
    },

    "puts off the end by 256 ms at most"() {
      const world = begin({ turn: { minSpeechMs: 320 } });
      world.speaks(1024).pauses(576);
      for (let i = 0; i < 4; i++) world.speaks(32).pauses(96);
      expect(endOf(world)).toBe(576 + 32 + 256);
    },

    "ends a turn sooner when the model is sure, and later when it is not"() {
      const sure = begin({ model: () => ({ afterMs: 20, probability: 0.6 }) });
      sure.speaks(1024).pauses(1000);
      expect(endOf(sure)).toBe(300);
      expect(sure.last("turn-ended")?.cause).toBe("prediction");
      const unsure = begin({ model: () => ({ afterMs: 20, probability: 0.4 }) });
      unsure.speaks(1024).pauses(3000);
      expect(endOf(unsure)).toBe(2000);
      // An answer that comes late still counts.
      const slow = begin({ model: () => ({ afterMs: 700, probability: 0.6 }) });
      slow.speaks(1024).pauses(3000);
      expect(endOf(slow)).toBe(224 + 700);
    },

    "asks the model once a pause, about the present attempt"() {
      const world = begin({ model: () => ({ afterMs: 20, probability: 0.1 }) });
      world.speaks(500).pauses(700).speaks(500).pauses(3000);
      expect(world.trace.filter((line) => line.includes("predict "))).toHaveLength(2);
      expect(world.all("end-of-turn-predicted").map(({ key }) => key.rev)).toEqual([0, 1]);
    },

    "gives a failing model up after three failures, and takes it back when it answers"() {
      const world = begin({
        model: (n) =>
          n < 4 ? { afterMs: 10, probability: "error" } : { afterMs: 10, probability: 0.9 },
        reply: () => ({ afterMs: 0, audioMs: 100 }),
      });
      const delays = [0, 1, 2, 3, 4, 5].map(() => {
        world.speaks(512).pauses(3000);
        return endOf(world);
      });
      expect(delays).toEqual([2000, 2000, 640, 640, 300, 300]);
      expect(world.types().filter((type) => type === "model-recovered")).toHaveLength(1);
      expect(world.all("model-failed")).toHaveLength(4);
    },

    "takes an answer that is not a number for a failure"() {
      const world = begin({ model: () => ({ afterMs: 10, probability: NaN }) });
      world.speaks(1024).pauses(3000);
      expect(world.last("model-failed")?.cause).toBe("error");
      expect(endOf(world)).toBe(2000);
    },

    "starts an eager reply at half of the silence, and plays it at the end"() {
      const world = begin({ turn: { eager: true }, reply: () => ({ afterMs: 320, audioMs: 500 }) });
      world.speaks(1024).pauses(640);
      const { at } = world.last("reply-started")!;
      expect(at).toBe(1024 + 320);
      expect(world.last("reply-started")?.eager).toBe(true);
      world.pauses(32);
      // Its own 320 ms have passed within the silence.
      expect(world.last("reply-audible")?.at).toBe(1024 + 640);
    },

    "starts an eager reply as soon as the model is sure"() {
      const world = begin({
        turn: { eager: true, endpointing: { minDelayMs: 600 } },
        model: () => ({ afterMs: 26, probability: 0.8 }),
      });
      world.speaks(1024).pauses(1000);
      expect(world.last("reply-started")?.at).toBe(1024 + 224 + 26);
      expect(endOf(world)).toBe(600);
    },

    "drops an eager reply when the speaker goes on, and tries three times a turn"() {
      const world = begin({ turn: { eager: true } });
      for (let i = 0; i < 6; i++) world.speaks(512).pauses(480);
      expect(world.all("reply-started")).toHaveLength(3);
      expect(world.all("reply-discarded").map(({ reason }) => reason)).toEqual(
        Array<string>(3).fill("reopened"),
      );
      world.pauses(1000);
      expect(world.heard).toHaveLength(1);
    },

    "answers after all when an eager reply has failed"() {
      const world = begin({
        turn: { eager: true },
        reply: (n) => ({ afterMs: 50, audioMs: 500, fails: n === 0 }),
      });
      world.speaks(1024).pauses(2000);
      expect(world.all("reply-failed")).toHaveLength(1);
      expect(world.heard).toHaveLength(1);
    },

    "takes back an end whose reply is not audible yet, and goes on with the turn"() {
      const world = begin({ reply: () => ({ afterMs: 1000, audioMs: 500 }) });
      world.speaks(1024).pauses(960).speaks(160);
      expect(world.state).toBe("replying");
      expect(world.live?.isHeld).toBe(true);
      world.speaks(32);
      expect(world.state).toBe("speaking");
      expect(world.last("turn-reopened")?.key).toEqual({ turn: 1, rev: 1 });
      world.pauses(4000);
      expect(world.heard.map(({ key }) => key)).toEqual([{ turn: 1, rev: 1 }]);
    },

    "releases a held reply when speech stopped short"() {
      const world = begin({ reply: () => ({ afterMs: 200, audioMs: 500 }) });
      world.speaks(1024).pauses(672).speaks(128);
      world.pauses(224 + 288);
      expect(world.heard).toEqual([]);
      world.pauses(32);
      expect(world.heard).toHaveLength(1);
    },

    "goes silent after a sixth of a second of speech, and stops for good after a third"() {
      const world = replying();
      const { now } = world;
      world.speaks(500);
      expect(world.last("reply-paused")!.at - now).toBe(160);
      expect(world.last("reply-interrupted")!.at - now).toBe(352);
      expect(world.last("turn-started")?.onsetAt).toBe(now);
      expect(world.state).toBe("speaking");
      world.pauses(900);
      expect(world.heard).toHaveLength(2);
    },

    "resumes where it paused, when speech stopped short of an interruption"() {
      const world = replying();
      world.speaks(224);
      const playedMs = world.live?.playedMs;
      world.pauses(576);
      expect(world.state).toBe("paused");
      world.pauses(32);
      expect(world.state).toBe("replying");
      expect(world.live?.playedMs).toBe(playedMs);
      world.pauses(8000);
      expect(world.replies[0]?.playedMs).toBe(6500);
    },

    "does not resume over a second burst"() {
      const world = replying();
      world.speaks(224).pauses(480).speaks(160).pauses(576);
      expect(world.state).toBe("paused");
      world.pauses(64);
      expect(world.state).toBe("replying");
    },

    "ends a reply that short bursts have kept silent for too long"() {
      const world = replying();
      for (let i = 0; i < 20; i++) world.speaks(224).pauses(416);
      expect(world.all("reply-interrupted")[0]?.cause).toBe("hold-expired");
    },

    "is deaf for the first moments of the first reply only"() {
      const world = begin({ reply: () => ({ afterMs: 0, audioMs: 1500 }) });
      world.speaks(1024).pauses(640);
      world.taking.setUninterruptible(true);
      world.speaks(64);
      world.taking.setUninterruptible(false);
      const { audibleAt } = world.live!;
      world.speaks(600);
      expect(world.last("reply-paused")!.at - audibleAt!).toBeGreaterThanOrEqual(300);
      expect(world.last("reply-paused")!.at - audibleAt!).toBeLessThan(332);
    },

    "never stops a reply that must not be interrupted"() {
      for (const setup of [{ canInterrupt: false }, {}]) {
        const world = replying(setup);
        if (!("canInterrupt" in setup)) world.taking.setUninterruptible(true);
        world.speaks(2000).pauses(8000);
        expect(world.all("reply-paused")).toEqual([]);
        expect(world.replies).toHaveLength(1);
        expect(world.last("overlap-dropped")?.reason).toBe("uninterruptible");
      }
      const unheard = begin({ canInterrupt: false, reply: () => ({ afterMs: 900, audioMs: 500 }) });
      unheard.speaks(1024).pauses(704).speaks(1000);
      expect(unheard.heard).toHaveLength(1);
    },

    "resumes when a paused reply becomes uninterruptible, and meets speech when it no longer is"() {
      const world = replying();
      world.speaks(256);
      expect(world.state).toBe("paused");
      world.taking.setUninterruptible(true);
      expect(world.state).toBe("replying");
      world.speaks(256);
      world.taking.setUninterruptible(false);
      world.speaks(32);
      expect(world.state).toBe("paused");
    },

    "forces the end of a turn that is too long, and keeps what follows for the next"() {
      const world = begin({
        turn: { maxTurnMs: 3000 },
        reply: () => ({ afterMs: 200, audioMs: 0 }),
      });
      world.speaks(5000);
      expect(world.last("turn-ended")).toMatchObject({ cause: "max-duration" });
      expect(world.all("turn-ended")).toHaveLength(1);
      const [, next] = world.all("turn-started");
      expect(next?.onsetAt).toBe(world.last("turn-ended")?.at);
      world.pauses(2000);
      expect(world.all("turn-ended")).toHaveLength(2);
    },

    "plays the reply to a turn that was too long in spite of speech"() {
      const reply = { afterMs: 200, audioMs: 6500 };
      const world = begin({ turn: { maxTurnMs: 2000 }, reply: () => reply });
      world.speaks(3500);
      expect(world.heard).toHaveLength(1);
      expect(world.all("reply-paused")).toEqual([]);
      world.pauses(500).speaks(300);
      expect(world.state).toBe("paused");
    },

    "ends a turn on request, in any state"() {
      const world = begin();
      world.taking.endTurnNow();
      expect(world.last("turn-ended")).toMatchObject({ cause: "request", key: { turn: 1 } });
      const speaking = begin().speaks(500);
      speaking.taking.endTurnNow();
      expect(speaking.state).toBe("replying");
      const talking = replying();
      talking.taking.endTurnNow();
      expect(talking.last("reply-interrupted")?.cause).toBe("request");
      expect(talking.live?.key).toEqual({ turn: 2, rev: 0 });
    },

    "greets, and can be interrupted in the greeting"() {
      const world = begin({ reply: () => ({ afterMs: 0, audioMs: 5000 }) }).greets();
      expect(world.state).toBe("replying");
      world.pauses(1000).speaks(400).pauses(700);
      expect(world.last("reply-interrupted")?.key.turn).toBe(0);
      expect(world.last("turn-ended")?.key).toEqual({ turn: 1, rev: 0 });
      expect(begin().speaks(300).taking.beginReply()).toBeUndefined();
      // Nobody's turn can be taken up again.
      const unheard = begin({ reply: () => ({ afterMs: 5000, audioMs: 500 }) })
        .greets()
        .speaks(300);
      expect(unheard.last("reply-discarded")?.reason).toBe("interrupted");
      expect(unheard.last("turn-started")?.key.turn).toBe(1);
    },

    "pauses a reply whose first sound went out before the hold took effect"() {
      const world = begin({ reply: () => ({ afterMs: 1000, audioMs: 1000 }) });
      world.speaks(1024).pauses(704).speaks(128);
      world.taking.replyAudible(world.live!.key);
      expect(world.state).toBe("paused");
      world.pauses(640);
      expect(world.state).toBe("replying");
      expect(world.live?.isHeld).toBe(false);
    },

    "learns a speaker's pauses from the turn that went on, within bounds"() {
      const world = begin({ turn: { adaptive: { minMs: 400, maxMs: 900 } } });
      const pauses = (ms: number): void => {
        for (let i = 0; i < 8; i++) world.speaks(512).pauses(ms);
      };
      world.speaks(512).pauses(480);
      expect(world.taking.endDelayMs).toBe(640);
      pauses(480);
      // 1.4 times a mean between 480 and the prior of 500.
      expect(world.taking.endDelayMs).toBeGreaterThan(640);
      expect(world.taking.endDelayMs).toBeLessThan(720);
      for (let i = 0; i < 20; i++) pauses(256);
      expect(world.taking.endDelayMs).toBe(400);
    },

    "learns from a speaker who goes on as the reply begins, but not across a heard reply"() {
      const world = begin({
        turn: { adaptive: true },
        reply: () => ({ afterMs: 96, audioMs: 4000 }),
      });
      for (let i = 0; i < 8; i++) world.speaks(512).pauses(480);
      world.pauses(1000).speaks(500);
      const before = world.taking.endDelayMs;
      world.pauses(before + 1500).speaks(500);
      expect(world.last("reply-interrupted")).toBeDefined();
      expect(world.taking.endDelayMs).toBe(before);
      world.pauses(before + 250).speaks(500);
      expect(world.taking.endDelayMs).toBeGreaterThan(before);
    },

    "takes one step at a time, whatever the host calls from within"() {
      const world = begin({ reply: () => ({ afterMs: 60_000, audioMs: 500 }) });
      const start = world.startReply.bind(world);
      world.startReply = (key, call) => {
        start(key, call);
        // Fails at once, from within the order to start.
        world.live!.isOver = true;
        world.taking.replyFailed(key);
        expect(world.state).toBe("replying");
      };
      world.speaks(1024).pauses(1000);
      expect(world.types().slice(-3)).toEqual(["turn-ended", "reply-started", "reply-failed"]);
      expect(world.state).toBe("listening");
    },
  };
}

/** The known hard cases of turn-taking, by name; run against the sources, and against seeded faults. */

import { expect } from "vitest";
import { TurnWorld } from "./turn-world.ts";
import type { ModelAnswer, TurnModules, WorldSetup } from "./turn-world.ts";

const WORDS = { hasTranscripts: true } as const satisfies WorldSetup;
/** Speech after which windows count as heard: a moment more than the silence that stops a burst. */
const STOP_MS = 256;

const sure: ModelAnswer = { afterMs: 50, probability: 0.9 };
const unsure: ModelAnswer = { afterMs: 50, probability: 0.1 };

/** Every case; throws where it fails. */
export function cornerCases(modules?: TurnModules): Record<string, () => void> {
  const begin = (setup: WorldSetup = {}): TurnWorld =>
    new TurnWorld({ ...setup, ...(modules && { modules }) });

  // A reply that has been audible for a second and a half, with five seconds to go.
  const answered = (setup: WorldSetup = {}): TurnWorld => {
    const world = begin({ reply: () => ({ afterMs: 200, audioMs: 6500 }), ...setup });
    world.speaks(1000).pauses(STOP_MS);
    if (setup.hasTranscripts) world.final("Tell me a story.");
    world.pauses(640 - STOP_MS + 200 + 1500);
    expect(world.state).toBe("replying");
    expect(world.live?.audibleAt).toBeDefined();
    return world;
  };

  const cases: Record<string, () => void> = {
    reply_interrupted_before_first_frame_settles() {
      const world = begin({
        reply: (n) => ({ afterMs: n === 0 ? 60_000 : 100, audioMs: 1000 }),
      });
      world.speaks(1000).pauses(1000).speaks(400);
      expect(world.last("reply-discarded")?.reason).toBe("reopened");
      world.pauses(1000);
      expect(world.heard).toHaveLength(1);
      world.pauses(2000);
      expectQuiet(world);
    },

    sink_never_reports_finished() {
      // The world reports nothing of a reply that was stopped.
      const world = answered();
      world.speaks(500);
      expect(world.state).toBe("speaking");
      world.pauses(1000);
      expect(world.state).toBe("replying");
      expect(world.heard).toHaveLength(2);
    },

    cough_after_end_before_audio() {
      const world = begin({ reply: () => ({ afterMs: 500, audioMs: 1000 }) });
      world.speaks(1000).pauses(672).speaks(128);
      expect(world.last("reply-held")).toBeDefined();
      world.pauses(STOP_MS + 300);
      expect(world.heard).toHaveLength(1);
      world.pauses(3000);
      expect(world.all("reply-discarded")).toEqual([]);
      expectQuiet(world);
    },

    second_burst_during_postWait() {
      const world = begin({ reply: () => ({ afterMs: 100, audioMs: 1000 }) });
      world
        .speaks(1000)
        .pauses(640)
        .speaks(128)
        .pauses(STOP_MS + 96);
      world.speaks(160).pauses(224);
      expect(world.heard).toEqual([]);
      expect(world.live?.isHeld).toBe(true);
      world.pauses(352);
      expect(world.heard).toHaveLength(1);
    },

    breath_does_not_release_stale_reply() {
      const world = begin({ ...WORDS, reply: () => ({ afterMs: 300, audioMs: 1000 }) });
      world.speaks(1000).pauses(STOP_MS).final("I would like").pauses(400);
      world.speaks(128).pauses(900);
      expect(world.heard).toEqual([]);
      world.final("a table.").pauses(2000);
      expect(world.heard.map(({ text }) => text)).toEqual(["I would like a table."]);
    },

    name_pause_surname() {
      const world = begin({ ...WORDS, reply: () => ({ afterMs: 700, audioMs: 1000 }) });
      world.speaks(500).pauses(STOP_MS).final("Grace").pauses(480);
      expect(world.state).toBe("replying");
      world.speaks(600).pauses(STOP_MS).final("Hopper").pauses(4000);
      expect(world.heard.map(({ text }) => text)).toEqual(["Grace Hopper"]);
      expect(new Set(world.all("turn-ended").map(({ key }) => key.turn)).size).toBe(1);
    },

    pause_to_think_3s_incomplete() {
      const world = begin({ model: () => unsure, reply: () => ({ afterMs: 1500, audioMs: 1000 }) });
      world.speaks(1000).pauses(1984);
      expect(world.state).toBe("ending");
      world.pauses(1016);
      expect(world.last("turn-ended")?.cause).toBe("max-delay");
      world.speaks(400);
      expect(world.state).toBe("speaking");
      expect(world.last("turn-reopened")?.key).toEqual({ turn: 1, rev: 1 });
      expect(world.heard).toEqual([]);
    },

    late_final_after_commit_before_audio() {
      const world = begin({ ...WORDS, reply: () => ({ afterMs: 800, audioMs: 1000 }) });
      world.speaks(1000).pauses(STOP_MS).interim("book a").pauses(800);
      expect(world.last("turn-ended")?.text).toBe("book a");
      world.final("Book a table.").pauses(3000);
      expect(world.heard.map(({ text }) => text)).toEqual(["Book a table."]);
    },

    late_final_after_audio() {
      const world = begin({ ...WORDS, reply: () => ({ afterMs: 100, audioMs: 4000 }) });
      world.speaks(1000).pauses(STOP_MS).interim("book a table").pauses(1600);
      expect(world.live?.audibleAt).toBeDefined();
      // The same words are no news; others interrupt.
      world.final("Book a table.").pauses(100);
      expect(world.state).toBe("replying");
      world.final("Tomorrow, please.").pauses(4000);
      expect(world.all("reply-interrupted")).toHaveLength(1);
      expect(world.all("turn-ended").map(({ text }) => text)).toEqual([
        "book a table",
        "Tomorrow, please.",
      ]);
    },

    final_never_arrives() {
      const world = begin(WORDS);
      world.speaks(1000).interim("book a table").pauses(992);
      expect(world.state).toBe("ending");
      world.pauses(64);
      expect(world.last("turn-ended")?.text).toBe("book a table");
    },

    vad_without_transcript() {
      const world = begin(WORDS);
      world.speaks(1000).pauses(5000);
      expect(world.state).toBe("ending");
      world.pauses(STOP_MS);
      expect(world.types()).toContain("turn-dropped");
      expect(world.replies).toEqual([]);
      expectQuiet(world);
    },

    short_yes_missed_by_vad() {
      const world = begin(WORDS);
      world.pauses(1000).final("Yes.").pauses(700);
      expect(world.replies.map(({ text }) => text)).toEqual(["Yes."]);
    },

    short_stop_over_bot() {
      const world = answered(WORDS);
      world.speaks(160).interim("stop");
      expect(world.last("reply-interrupted")?.cause).toBe("words");
      expect(world.state).toBe("speaking");
      // The same without a recognizer: "stop" takes about 350 ms.
      const deaf = answered();
      deaf.speaks(352);
      expect(deaf.last("reply-interrupted")?.cause).toBe("speech");
    },

    no_as_answer() {
      const world = begin(WORDS);
      world.speaks(200).pauses(STOP_MS).final("No.").pauses(600);
      expect(world.replies.map(({ text }) => text)).toEqual(["No."]);
    },

    mhm_over_bot() {
      const world = answered(WORDS);
      world.speaks(224).interim("mhm").pauses(STOP_MS).final("Mhm.");
      expect(world.state).toBe("replying");
      expect(world.last("reply-resumed")).toBeDefined();
      world.pauses(1100);
      expect(world.last("overlap-dropped")).toMatchObject({ reason: "backchannel", text: "Mhm." });
      world.pauses(6000);
      expect(world.replies).toHaveLength(1);
      expect(world.last("reply-finished")).toBeDefined();
    },

    yeah_but_wait() {
      const world = answered(WORDS);
      world.speaks(160).interim("yeah");
      expect(world.all("reply-interrupted")).toEqual([]);
      world.speaks(160).interim("yeah but wait");
      expect(world.all("reply-interrupted")).toHaveLength(1);
    },

    click_64ms_over_bot() {
      for (const setup of [{}, WORDS]) {
        const world = answered(setup);
        world.speaks(64).pauses(2000);
        expect(world.all("reply-paused")).toEqual([]);
        // Many clicks are not speech either: windows are counted, not time.
        for (let i = 0; i < 10; i++) world.speaks(64).pauses(160);
        expect(world.all("reply-paused")).toEqual([]);
      }
    },

    noise_600ms_no_words() {
      const world = answered(WORDS);
      world.speaks(600);
      expect(world.state).toBe("paused");
      const playedMs = world.live?.playedMs;
      world.pauses(992);
      expect(world.state).toBe("paused");
      world.pauses(32);
      expect(world.state).toBe("replying");
      expect(world.live?.playedMs).toBe(playedMs);
      world.pauses(10_000);
      expect(world.replies[0]?.playedMs).toBe(6500);
      expect(world.all("overlap-dropped")).toHaveLength(1);
    },

    echo_first_3s() {
      const world = answered({ ...WORDS, turn: { echoGuardMs: 3000 } });
      world.speaks(1000).interim("once upon a").final("Once upon a time.");
      expect(world.state).toBe("overlapping");
      expect(world.last("overlap-dropped")?.reason).toBe("echo-guard");
      world.interim("stop");
      expect(world.all("reply-interrupted")).toHaveLength(1);
      // It holds for the first reply only.
      world.pauses(STOP_MS).final("Stop.").pauses(1200);
      expect(world.heard).toHaveLength(2);
      world.speaks(224);
      expect(world.state).toBe("paused");
    },

    speakerphone_echo_words() {
      const world = answered(WORDS);
      world.taking.replyText("Once upon a time, there was a king. Wait for it!");
      world.speaks(256).pauses(STOP_MS).final("There was a king, wait");
      expect(world.last("overlap-dropped")?.reason).toBe("echo");
      expect(world.state).toBe("replying");
      world.speaks(256).pauses(STOP_MS).final("There was a queen.");
      expect(world.all("reply-interrupted")).toHaveLength(1);
    },

    overlap_at_reply_end() {
      const remainingMs = (world: TurnWorld): number =>
        world.live!.audibleAt! + world.live!.plan.audioMs - world.now;
      const world = answered();
      world.pauses(remainingMs(world) - 160).speaks(320);
      expect(world.state).toBe("speaking");
      const finishedAt = world.last("reply-finished")!.at;
      expect(world.last("turn-started")!.onsetAt).toBeLessThan(finishedAt - 96);
      // An answer that is over just before the end of the question is an answer nevertheless.
      const early = answered();
      early
        .pauses(remainingMs(early) - 500)
        .speaks(160)
        .pauses(2000);
      expect(early.all("turn-ended")).toHaveLength(2);
      expect(early.all("overlap-dropped")).toEqual([]);
      // In the middle of a reply it is not.
      const middle = answered();
      middle.speaks(160).pauses(8000);
      expect(middle.all("turn-ended")).toHaveLength(1);
      expect(middle.last("overlap-dropped")?.reason).toBe("too-short");
    },

    user_starts_within_250ms_of_bot() {
      const world = begin({ ...WORDS, reply: () => ({ afterMs: 100, audioMs: 4000 }) });
      world.speaks(1000).pauses(STOP_MS).final("Tell me a story.").pauses(512);
      world.speaks(256).pauses(STOP_MS).final("Okay.");
      expect(world.last("reply-interrupted")?.cause).toBe("words");
      expect(world.taking.text).toBe("Okay.");
    },

    falseT_with_open_eot() {
      const world = answered(WORDS);
      world.speaks(400).pauses(700);
      expect(world.state).toBe("paused");
      world.final("Uh.");
      expect(world.state).toBe("replying");
    },

    resume_then_interrupt() {
      const world = answered();
      world.speaks(224).pauses(600);
      expect(world.last("reply-resumed")).toBeDefined();
      world.pauses(1000).speaks(400).pauses(1000);
      const [first] = world.replies;
      const [pause, second] = world.all("reply-paused");
      const resumedAt = world.last("reply-resumed")!.at;
      const heardMs = pause!.at - first!.audibleAt! + (second!.at - resumedAt);
      expect(first!.playedMs).toBeCloseTo(heardMs, 5);
    },

    eager_punctuation_change() {
      const world = begin({ ...WORDS, turn: { eager: true }, model: () => sure });
      world.speaks(1000).interim("book a table").pauses(288);
      expect(world.state).toBe("eager");
      world.final("Book a table.").pauses(900);
      expect(world.replies).toHaveLength(1);
      expect(world.heard).toHaveLength(1);
    },

    eager_word_change() {
      const world = begin({ ...WORDS, turn: { eager: true }, model: () => sure });
      world.speaks(1000).interim("book a cable").pauses(288);
      expect(world.state).toBe("eager");
      world.final("Book a table.");
      expect(world.last("reply-discarded")?.reason).toBe("text-changed");
      world.pauses(900);
      expect(world.heard.map(({ text }) => text)).toEqual(["Book a table."]);
    },

    two_finals_one_utterance() {
      const world = begin(WORDS);
      world.speaks(1000).pauses(STOP_MS).final("Book a table.").pauses(64);
      world.final("For two.").pauses(3000);
      expect(world.heard.map(({ text }) => text)).toEqual(["Book a table. For two."]);
    },

    parked_eager_on_handoff() {
      const world = begin({ turn: { eager: true }, reply: () => ({ afterMs: 0, audioMs: 500 }) });
      world.speaks(1000).pauses(400);
      expect(world.state).toBe("eager");
      world.taking.reset();
      world.pauses(3000);
      expect(world.heard).toEqual([]);
      expectQuiet(world);
    },

    stale_eot_after_reopen() {
      const world = begin({
        model: (n) => (n === 0 ? { afterMs: 600, probability: 0.9 } : unsure),
      });
      world.speaks(1000).pauses(288).speaks(300).pauses(1984);
      expect(world.all("end-of-turn-predicted").map(({ key }) => key.rev)).toEqual([1]);
      expect(world.state).toBe("ending");
    },

    eot_hangs() {
      const world = begin({ model: () => undefined });
      world.speaks(1000).pauses(1984);
      expect(world.state).toBe("ending");
      world.pauses(64);
      expect(world.last("turn-ended")?.cause).toBe("max-delay");
      // Three times in a row: the fixed silence holds, until an answer comes in time.
      world.pauses(4000).speaks(500).pauses(4000).speaks(500).pauses(4000);
      expect(world.types().filter((type) => type === "model-gave-up")).toHaveLength(1);
      world.speaks(500).pauses(704);
      expect(world.last("turn-ended")?.cause).toBe("silence");
    },

    interim_after_final() {
      const world = begin(WORDS);
      world.speaks(1000).pauses(STOP_MS).final("Book a table").interim("for").pauses(500);
      expect(world.state).toBe("ending");
      world.final("for two.").pauses(32);
      expect(world.last("turn-ended")?.text).toBe("Book a table for two.");
    },

    reset_keeps_live_vad_flag() {
      const world = begin(WORDS);
      world.speaks(500);
      world.taking.reset();
      world.taking.transcript("and then", true);
      expect(world.state).toBe("speaking");
      world.speaks(2000);
      expect(world.all("turn-ended")).toEqual([]);
    },

    vad_stuck_on_no_words() {
      const world = answered(WORDS);
      world.speaks(8000);
      expect(world.state).toBe("paused");
      world.speaks(300);
      expect(world.last("reply-interrupted")?.cause).toBe("hold-expired");
      world.pauses(6000);
      expectQuiet(world);
    },

    uninterruptible_then_speech() {
      for (const setup of [{}, WORDS]) {
        const world = answered(setup);
        world.taking.setUninterruptible(true);
        expect(world.taking.isInterruptible).toBe(false);
        world.speaks(3000).pauses(2000);
        expect(world.last("overlap-dropped")?.reason).toBe("uninterruptible");
        expect(world.all("reply-paused")).toEqual([]);
        // Speech that outlasts the reply is a turn.
        const next = answered(setup);
        next.taking.setUninterruptible(true);
        next.pauses(4000).speaks(2000);
        expect(next.state).toBe("speaking");
        expect(next.last("turn-started")?.onsetAt).toBeLessThan(next.last("reply-finished")!.at);
      }
    },

    dtmf_or_text_turn_while_paused() {
      const world = answered(WORDS);
      world.speaks(300);
      expect(world.state).toBe("paused");
      world.taking.endTurnNow();
      expect(world.last("reply-interrupted")?.cause).toBe("request");
      expect(world.state).toBe("replying");
      world.pauses(500);
      expect(world.heard).toHaveLength(2);
      expect(world.live?.isHeld).toBe(false);
    },

    close_in_every_state() {
      const situations: Record<string, () => TurnWorld> = {
        listening: () => begin(),
        speaking: () => begin().speaks(500),
        ending: () => begin(WORDS).speaks(500).pauses(300),
        eager: () =>
          begin({ turn: { eager: true } })
            .speaks(500)
            .pauses(400),
        replying: () => answered(),
        overlapping: () => answered().speaks(128),
        paused: () => answered().speaks(256),
      };
      for (const [state, situation] of Object.entries(situations)) {
        const world = situation();
        expect(world.state).toBe(state);
        world.taking.close();
        expect(world.machineTimers).toBe(0);
        expect(world.live).toBeUndefined();
        const before = world.trace.length;
        world.speaks(1000).pauses(10_000);
        world.taking.transcript("hello", true);
        world.taking.endTurnNow();
        expect(world.trace.length).toBe(before);
      }
    },
  };
  return cases;
}

function expectQuiet(world: TurnWorld): void {
  expect(world.faults).toEqual([]);
  expect(world.state).toBe("listening");
  expect(world.machineTimers).toBe(0);
}

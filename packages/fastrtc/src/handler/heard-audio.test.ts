import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { HeardAudio } from "./heard-audio.ts";

describe("HeardAudio", () => {
  it("counts what was sent, less what is still on its way", () => {
    const heard = new HeardAudio();
    const sent = heard.add(1000, undefined);
    expect(heard.heard(0)).toEqual({ ms: 0, text: "" });
    sent(20);
    expect(heard.isAudible).toBe(true);
    sent(180);
    expect(heard.heard(60).ms).toBe(140);
    expect(heard.heard(500).ms).toBe(0);
  });

  it("gives whole words only, rounded down", () => {
    const heard = new HeardAudio();
    const first = heard.add(1000, "One two three four.");
    const second = heard.add(1000, " Five six.");
    expect(heard.heard(0).text).toBe("");
    first(500);
    expect(heard.heard(0).text).toBe("One two");
    first(500);
    expect(heard.heard(0).text).toBe("One two three four.");
    second(600);
    expect(heard.heard(0).text).toBe("One two three four. Five");
  });

  it("goes on with a sentence whose audio comes in pieces", () => {
    const heard = new HeardAudio();
    const pieces = ["Hello there my friend", undefined, undefined, undefined].map((text) =>
      heard.add(250, text),
    );
    for (const sent of pieces.slice(0, 3)) sent(250);
    expect(heard.heard(0).text).toBe("Hello there my");
    pieces[3]!(250);
    expect(heard.heard(0).text).toBe("Hello there my friend");
  });

  it("cuts languages without spaces at words too", () => {
    const heard = new HeardAudio();
    heard.add(1000, "我喜欢吃苹果")(700);
    expect("我喜欢吃苹果").toContain(heard.heard(0).text);
    expect(heard.heard(0).text.length).toBeGreaterThanOrEqual(3);
    expect(heard.heard(0).text.length).toBeLessThanOrEqual(4);
  });

  it("never tells more than was sent, nor more than was made, and never takes anything back", () => {
    const frames = fc.array(
      fc.record({
        durationMs: fc.integer({ min: 10, max: 2000 }),
        text: fc.option(fc.constantFrom("One two.", "Three, four five!", "六七八"), {
          nil: undefined,
        }),
        sentShare: fc.double({ min: 0, max: 1, noNaN: true }),
      }),
      { minLength: 1, maxLength: 12 },
    );
    fc.assert(
      fc.property(frames, fc.integer({ min: 0, max: 500 }), (script, delayMs) => {
        const heard = new HeardAudio();
        const whole = script.map(({ text }) => text ?? "").join("");
        let made = 0;
        let sent = 0;
        let before = heard.heard(delayMs);
        for (const { durationMs, text, sentShare } of script) {
          const onSent = heard.add(durationMs, text);
          made += durationMs;
          // In parts, as the pacer takes them; what an interruption drops is never sent.
          for (const part of [0.5, 0.5]) {
            onSent(durationMs * sentShare * part);
            sent += durationMs * sentShare * part;
            const now = heard.heard(delayMs);
            expect(now.ms).toBeGreaterThanOrEqual(before.ms);
            expect(now.ms).toBeLessThanOrEqual(sent + 1e-6);
            expect(sent).toBeLessThanOrEqual(made + 1e-6);
            before = now;
          }
          expect(heard.heard(0).text.length).toBeLessThanOrEqual(whole.length);
        }
      }),
      { seed: 7, numRuns: 500 },
    );
  });
});

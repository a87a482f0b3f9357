import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { ManualClock } from "../testing/manual-clock.ts";
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
    heard.end();
    second(600);
    expect(heard.heard(0).text).toBe("One two three four. Five");
  });

  it("goes on with a sentence whose audio comes in pieces", () => {
    const heard = new HeardAudio();
    const pieces = ["Hello there my friend", undefined, undefined, undefined].map((text) =>
      heard.add(250, text),
    );
    heard.end();
    for (const sent of pieces.slice(0, 3)) sent(250);
    expect(heard.heard(0).text).toBe("Hello there my");
    pieces[3]!(250);
    expect(heard.heard(0).text).toBe("Hello there my friend");
  });

  it("cuts languages without spaces at words too", () => {
    const heard = new HeardAudio();
    heard.add(1000, "我喜欢吃苹果")(700);
    heard.end();
    expect("我喜欢吃苹果").toContain(heard.heard(0).text);
    expect(heard.heard(0).text.length).toBeGreaterThanOrEqual(3);
    expect(heard.heard(0).text.length).toBeLessThanOrEqual(4);
  });

  it("takes words whose audio is still being made to be spoken slowly", () => {
    const heard = new HeardAudio(new ManualClock());
    const sent = heard.add(500, "Once upon a time there was");
    sent(500);
    expect(heard.heard(0).text).toBe("Once");
    const more = heard.add(1300, undefined);
    more(800);
    expect(heard.heard(0).text).toBe("Once upon a");
    heard.end();
    expect(heard.heard(0).text).toBe("Once upon a time");
  });

  it("takes a pause after all of it has been heard for its end", () => {
    const clock = new ManualClock();
    const heard = new HeardAudio(clock);
    heard.add(1200, "Let me look that up.")(1200);
    clock.advance(400);
    expect(heard.heard(0).text).toBe("Let me look");
    clock.advance(200);
    expect(heard.heard(0).text).toBe("Let me look that up.");
    expect(heard.heard(50)).toEqual({ ms: 1200, text: "Let me look that up." });
    expect(heard.heard(150).text).toBe("Let me look");
  });

  it("tells only words that were heard, however a voice's audio comes", () => {
    const clause = fc.record({
      words: fc.array(fc.constantFrom("a", "of", "the", "weather", "is", "unbelievable"), {
        minLength: 1,
        maxLength: 12,
      }),
      // Up to the slow speaker's.
      letterMs: fc.double({ min: 20, max: 100, noNaN: true }),
      pieces: fc.integer({ min: 1, max: 20 }),
    });
    fc.assert(
      fc.property(
        fc.array(clause, { minLength: 1, maxLength: 4 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.boolean(),
        (clauses, queuedShare, sentShare, hasEnded) => {
          const heard = new HeardAudio(new ManualClock());
          const pieces = clauses.flatMap(({ words, letterMs, pieces: count }) => {
            const text = `${words.join(" ")}. `;
            const ms = (text.length * letterMs) / count;
            return Array.from({ length: count }, (_, at) => ({
              ms,
              // What one hears of the words by the end of this piece, to the letter.
              letters: text.length / count,
              text: at === 0 ? text : undefined,
            }));
          });
          const whole = clauses.map(({ words }) => `${words.join(" ")}. `).join("");
          const queued = hasEnded ? pieces : pieces.slice(0, pieces.length * queuedShare);
          const onSent = queued.map(({ ms, text }) => heard.add(ms, text));
          if (hasEnded) heard.end();
          const wholePieces = Math.floor(queued.length * sentShare);
          const rest = queued.length * sentShare - wholePieces;
          let letters = 0;
          for (const [at, piece] of queued.entries()) {
            const share = at < wholePieces ? 1 : at === wholePieces ? rest : 0;
            onSent[at]!(piece.ms * share);
            letters += piece.letters * share;
          }
          const { text } = heard.heard(0);
          expect(whole.startsWith(text)).toBe(true);
          expect(text.length).toBeLessThanOrEqual(letters + 0.02);
        },
      ),
      { seed: 11, numRuns: 1000 },
    );
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

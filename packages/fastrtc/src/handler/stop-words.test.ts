import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { InvalidOptionError } from "../errors.ts";
import { findStopWord, StopWordMatcher } from "./stop-words.ts";

describe("findStopWord", () => {
  it.each([
    ["computer", "Computer, what time is it?", "what time is it?"],
    ["computer", "OK COMPUTER", ""],
    ["computer", "computer's", "s"],
    ["hey computer", "hey  computer turn it on", "turn it on"],
    ["hey computer", "Hey, computer! Turn it on.", "Turn it on."],
    ["hey computer", "hey. Computer", ""],
    ["Hey, Computer!", "hey computer go", "go"],
    ["café", "the cafe please", "please"],
    ["cafe", "the CAFÉ please", "please"],
    ["straße", "in der STRASSE dort", "dort"],
    ["ΟΔΟΣ", "η οδος", ""],
    ["İstanbul", "istanbul'da", "da"],
    ["computer", "ＣＯＭＰＵＴＥＲ、こんにちは", "こんにちは"],
    ["c++", "open c++ now", "now"],
    ["$5 (five)", "give $5 (five) please", "please"],
    ["what?", "what is it", "is it"],
    ["don't stop", "Don’t stop me", "me"],
    ["小爱同学", "你好小爱同学，几点了", "几点了"],
    ["小爱同学", "小 爱 同 学 几点了", "几点了"],
    ["你好 小爱", "你好，小爱。现在几点", "现在几点"],
    ["アレクサ", "ねえアレクサ、音楽をかけて", "音楽をかけて"],
    ["ガイド", "ｶﾞｲﾄﾞさん", "さん"],
    ["สวัสดี", "เขาพูดว่าสวัสดีครับ", "ครับ"],
    ["siri", "嘿siri你好", "你好"],
    ["컴퓨터", "안녕 컴퓨터 켜 줘", "켜 줘"],
    ["كمبيوتر", "يا كُمبيوتر", ""],
    ["компьютер", "Эй, Компьютер!", ""],
  ])("finds %j in %j", (phrase, transcript, after) => {
    const match = findStopWord(transcript, [phrase]);

    expect(match?.phrase).toBe(phrase);
    expect(match?.after).toBe(after);
  });

  it.each([
    ["art", "start"],
    ["art", "artist"],
    ["computer", "computers"],
    ["computer", "minicomputer"],
    ["hey computer", "heycomputer"],
    ["hey computer", "hey my computer"],
    ["c++", "c is old"],
    ["a.c", "abc"],
    ["ガイド", "カイト"],
    ["小爱同学", "小爱"],
    ["siri", "sirius"],
    ["computer", ""],
  ])("does not find %j in %j", (phrase, transcript) => {
    expect(findStopWord(transcript, [phrase])).toBeUndefined();
  });

  it("tells where the phrase is in the transcript as it was written", () => {
    const transcript = "Écoute, ｃomputer! Allô ?";

    const match = findStopWord(transcript, ["computer"])!;

    expect(transcript.slice(match.start, match.end)).toBe("ｃomputer");
    expect(match.after).toBe("Allô ?");
  });

  it("returns the first of several phrases", () => {
    expect(findStopWord("jarvis, tell the computer", ["computer", "jarvis"])?.phrase).toBe(
      "jarvis",
    );
  });

  it("returns the longest of several phrases that begin at one place", () => {
    const phrases = ["hey computer", "hey computer please", "hey"];

    expect(findStopWord("hey computer please help", phrases)?.after).toBe("help");
  });

  it.each([[[]], [["", "computer"]], [["  ...  "]], ["computer"], [[7]]])(
    "refuses %j as phrases",
    (phrases) => {
      expect(() => new StopWordMatcher(phrases as string[])).toThrow(InvalidOptionError);
    },
  );
});

describe("findStopWord, for any text", () => {
  const word = fc.stringMatching(/^[a-z]{1,6}$/);
  const phrase = fc.array(word, { minLength: 1, maxLength: 3 }).map((words) => words.join(" "));
  const text = fc.string({ unit: "grapheme", maxLength: 40 });

  it("finds whatever FastRTC's expression finds", () => {
    const gap = fc.constantFrom(" ", "  ", ", ", ". ", "-", "", "?! ");
    const parts = fc.array(fc.tuple(fc.oneof(word, phrase), gap), { maxLength: 8 });
    fc.assert(
      fc.property(parts, phrase, fc.boolean(), fc.boolean(), (pairs, wanted, isThere, isLoud) => {
        const words = pairs.map(([said, after]) => said + after);
        if (isThere) words.splice(words.length >> 1, 0, ` ${wanted}. `);
        const joined = words.join("");
        const transcript = isLoud ? joined.toUpperCase() : joined;
        const theirs = new RegExp(`\\b${wanted.split(" ").join("\\s+")}[.,!?]*\\b`, "i");
        const found = theirs.exec(transcript);
        if (!found) return;
        expect(findStopWord(transcript, [wanted])!.start).toBeLessThanOrEqual(found.index);
      }),
      { seed: 1, numRuns: 500 },
    );
  });

  it("finds a phrase of any characters in a text that has it as a word", () => {
    fc.assert(
      fc.property(text, text, text, (before, wanted, after) => {
        let matcher;
        try {
          matcher = new StopWordMatcher([wanted]);
        } catch {
          return;
        }
        expect(matcher.find(`${before} ${wanted} ${after}`)).toBeDefined();
      }),
      { seed: 2, numRuns: 1000 },
    );
  });

  it("describes a part of the transcript, and nothing is lost after it but spaces and punctuation", () => {
    fc.assert(
      fc.property(text, text, (before, after) => {
        const transcript = `${before} computer ${after}`;
        const match = findStopWord(transcript, ["computer"])!;
        expect(match.start).toBeLessThan(match.end);
        expect(transcript.slice(match.start, match.end).normalize("NFKC").toLowerCase()).toBe(
          "computer",
        );
        const rest = transcript.slice(match.end).trimEnd();
        expect(rest.endsWith(match.after)).toBe(true);
        expect(rest.slice(0, rest.length - match.after.length)).toMatch(/^[\s\p{P}]*$/u);
      }),
      { seed: 3, numRuns: 500 },
    );
  });
});

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SentenceSplitter, splitSentences } from "./sentence-splitter.ts";

const SEED = 20_261;

/** Text with everything in it that the rules look at. */
const proseWord = fc.constantFrom(
  ...["Well,", "the", "end.", "Dr.", "e.g.", "U.S.", "3.14", "1,000", "No.", "5", "wow!", "what?!"],
  ...[
    "...",
    "…",
    "“Really?”",
    "(so)",
    "https://example.org/a.b?c=d,e",
    "well-known",
    "–",
    "-",
    "J.",
  ],
  ...[
    "你好，",
    "今天天气很好。",
    "ですね",
    "สวัสดี",
    "한국어.",
    "नमस्ते।",
    "؟",
    "🙂",
    "👩‍👩‍👧",
    "**bold**",
    "1.",
  ],
);
const prose = fc
  .array(fc.tuple(proseWord, fc.constantFrom(" ", " ", " ", "", "\n", "  ", "\n\n")), {
    maxLength: 60,
  })
  .map((parts) => parts.flat().join(""));
const anyText = fc.oneof(prose, prose, fc.string({ unit: "grapheme", maxLength: 400 }));

function splitInPieces(text: string, cuts: readonly number[]): string[] {
  const splitter = new SentenceSplitter();
  const parts: string[] = [];
  let at = 0;
  for (const cut of [...cuts].sort((a, b) => a - b)) {
    const end = Math.min(text.length, Math.max(at, cut));
    parts.push(...splitter.push(text.slice(at, end)));
    at = end;
  }
  return [...parts, ...splitter.push(text.slice(at)), ...splitter.flush()];
}

describe("whatever the text", () => {
  it("the parts, joined, are the text, and none is empty", () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const parts = splitSentences(text);
        expect(parts.join("")).toBe(text);
        expect(parts).not.toContain("");
      }),
      { seed: SEED, numRuns: 300 },
    );
  });

  it("it is cut at the same places however it arrives", () => {
    fc.assert(
      fc.property(anyText, fc.array(fc.nat(400), { maxLength: 40 }), (text, cuts) => {
        expect(splitInPieces(text, cuts)).toEqual(splitSentences(text));
      }),
      { seed: SEED, numRuns: 300 },
    );
  });

  it("no part cuts a character in two", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme", minLength: 100, maxLength: 900 }), (text) => {
        for (const part of splitSentences(text)) expect(part).not.toMatch(/\p{Surrogate}/u);
      }),
      { seed: SEED, numRuns: 100 },
    );
  });

  it("what waits for its end is bounded", () => {
    const splitter = new SentenceSplitter();
    for (const endless of ["a", " ", "!", "字", "🙂", ". ", "\u0301"]) {
      for (let i = 0; i < 3000; i++) splitter.push(endless);
      expect(splitter.pendingLength).toBeLessThan(1300);
    }
  });
});

describe("the first part is short, so that the first sound comes early", () => {
  it("ends at the first clause that is long enough to be spoken alone", () => {
    const splitter = new SentenceSplitter();
    expect(splitter.push("If you ask me, ")).toEqual([]);
    expect(splitter.push("t")).toEqual(["If you ask me, "]);
  });

  it("goes on after a clause of one word", () => {
    expect(splitSentences("Well, that is hard. I cannot say.")[0]).toBe("Well, that is hard. ");
  });

  it("is a sentence, however short", () => {
    expect(splitSentences("Yes. I can.")[0]).toBe("Yes. ");
  });

  it("ends between words where a writer makes no pause", () => {
    const [first = ""] = splitSentences("and so on ".repeat(30));
    expect(first.length).toBeGreaterThan(80);
    expect(first.length).toBeLessThanOrEqual(101);
    expect(first).toMatch(/\s$/);
  });

  it("is followed by longer ones", () => {
    const text = "I see it, and you see it, and they see it too. ".repeat(12);
    const lengths = splitSentences(text).map((part) => part.length);
    expect(lengths[0]).toBeLessThan(30);
    expect(Math.min(...lengths.slice(2, -1))).toBeGreaterThanOrEqual(40);
  });
});

describe("a full stop that ends no sentence", () => {
  it.each([
    ["a title", "I met Dr. Smith and Mrs. Jones there today."],
    ["initials", "It was written by J. R. R. Tolkien long ago."],
    ["an abbreviation", "Bring fruit, e.g. Apples or pears."],
    ["a country", "She moved to the U.S. Army base nearby."],
    ["a number", "It costs 3.14 or 1,000.50 in all."],
    ["a numbered thing", "Please see No. 5 for more."],
    ["a link", "Visit https://example.org/a.b?c=d&e=f!g for more."],
    ["a file", "Open the file index.html now."],
    ["a lower-case word after it", "It weighs 5 approx. more or less."],
  ])("%s", (_name, text) => {
    // The comma of a clause may part it; the full stop does not.
    for (const part of splitSentences(text).slice(0, -1)) expect(part).not.toMatch(/\.\s*$/);
  });

  it("a German ordinal, where the language is known", () => {
    const text = "Wir treffen uns am 3. Mai in Bonn.";
    expect(splitSentences(text, { language: "de-AT" })).toEqual([text]);
    expect(splitSentences("There are 3. Mary has one.")).toHaveLength(2);
  });

  it("the number of a list's line", () => {
    expect(splitSentences("Do this:\n1. Open it.\n2. Close it.")).toEqual([
      "Do this:\n",
      "1. Open it.\n2. Close it.",
    ]);
  });

  it("an ellipsis before a word in lower case", () => {
    expect(splitSentences("Hm... maybe so. Or not?")[0]).toBe("Hm... maybe so. ");
  });
});

describe("a sentence ends", () => {
  it("after the quotation marks and brackets that close it", () => {
    expect(splitSentences("He said “Stop!” (Really.) Then he left.")).toEqual([
      "He said “Stop!” ",
      "(Really.) Then he left.",
    ]);
  });

  it("at the end of a line without a full stop", () => {
    expect(splitSentences("A heading\nThe text")).toEqual(["A heading\n", "The text"]);
  });

  it.each([
    ["Chinese", "你好，我是你的助手。今天天气很好。", "你好，我是你的助手。"],
    ["Japanese", "こんにちは。今日はいい天気ですね。", "こんにちは。"],
    ["Korean", "안녕하세요. 저는 도우미입니다.", "안녕하세요. "],
    ["Hindi", "नमस्ते। मैं ठीक हूँ।", "नमस्ते। "],
    ["Arabic", "كيف حالك؟ أنا بخير.", "كيف حالك؟ "],
  ])("in %s", (_language, text, first) => {
    expect(splitSentences(text)[0]).toBe(first);
  });

  it("in Thai, which has no full stop, at the space between phrases", () => {
    const [first] = splitSentences("วันนี้อากาศดีมากเลยครับ เราไปเดินเล่นกันเถอะ");
    expect(first).toBe("วันนี้อากาศดีมากเลยครับ ");
  });

  it("between words in a Chinese text without punctuation", () => {
    const text = "我们今天去北京大学图书馆学习中文".repeat(8);
    const parts = splitSentences(text);
    const words = [...new Intl.Segmenter("zh", { granularity: "word" }).segment(text)];
    const begins = new Set(words.map(({ index }) => index));
    expect(parts.length).toBeGreaterThan(1);
    expect(begins.has(parts[0]!.length)).toBe(true);
  });
});

describe("when the writer pauses", () => {
  it("a sentence that looks complete is given out, once", () => {
    const splitter = new SentenceSplitter();
    expect(splitter.push("Let me look that up.")).toEqual([]);
    expect(splitter.settle()).toEqual(["Let me look that up."]);
    expect(splitter.settle()).toEqual([]);
    expect([...splitter.push(" Here it is."), ...splitter.flush()]).toEqual([" Here it is."]);
  });

  it.each(["I think that", "I met Dr.", "It is 5,", "", "..."])("%j waits on", (text) => {
    const splitter = new SentenceSplitter();
    splitter.push(text);
    expect(splitter.settle()).toEqual([]);
  });
});

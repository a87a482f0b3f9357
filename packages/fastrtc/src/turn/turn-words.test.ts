import { describe, expect, it } from "vitest";

import { resolveTurnOptions } from "./turn-options.ts";
import { TurnText } from "./turn-text.ts";
import { OverlapWords, foldedWords, haveSameWords, textAfterWords } from "./turn-words.ts";

describe("foldedWords", () => {
  it("leaves out case, punctuation and width", () => {
    expect(foldedWords("  Don’t stop, Ｐlease! ")).toEqual(["dont", "stop", "please"]);
  });

  it("finds words where there are no spaces", () => {
    expect(foldedWords("我想订一张桌子。").length).toBeGreaterThan(2);
  });
});

describe("haveSameWords", () => {
  it("compares words only", () => {
    expect(haveSameWords("book a table", "Book a table.")).toBe(true);
    expect(haveSameWords("book a table", "Book a cable.")).toBe(false);
  });
});

describe("textAfterWords", () => {
  it("returns the rest as it was written", () => {
    expect(textAfterWords("Well, book a Table. Now!", 2)).toBe("a Table. Now!");
    expect(textAfterWords("Well, book", 0)).toBe("Well, book");
    expect(textAfterWords("Well, book.", 2)).toBe("");
  });
});

describe("TurnText", () => {
  it("lets final words replace preliminary ones", () => {
    const text = new TurnText();
    text.add("book a", false);
    expect([text.text, text.isFinal]).toEqual(["book a", false]);
    text.add("Book a table.", true);
    text.add("for", false);
    expect([text.text, text.isFinal]).toEqual(["Book a table. for", false]);
  });

  it("replaces promoted words when their final form comes, right or wrong", () => {
    for (const final of ["Book a table.", "Cook a cable."]) {
      const text = new TurnText();
      text.add("book a table", false);
      text.promote();
      text.add(final, true);
      expect(text.text).toBe(final);
    }
  });

  it("tells what is new in words that come after the turn has ended", () => {
    const text = new TurnText();
    text.add("book a table", false);
    text.promote();
    expect(text.addKnown("Book a table. For two, please.", false)).toBe("For two, please.");
    expect(text.addKnown("Book a table. For two, please.", true)).toBe("For two, please.");
    expect(text.text).toBe("Book a table.");
    expect(text.addKnown("Book a table.", true)).toBe("Book a table.");
  });

  it("knows the words of the turn before, and forgets them in time", () => {
    let text = new TurnText();
    text.add("no", false);
    text.promote();
    text = new TurnText(text);
    text.add("No. Thank you.", true);
    expect(text.text).toBe("Thank you.");
    text = new TurnText(text);
    text.add("yes", false);
    text.promote();
    for (let turn = 0; turn < 4; turn++) text = new TurnText(text);
    text.add("Yes.", true);
    expect(text.text).toBe("Yes.");
  });
});

describe("OverlapWords", () => {
  const words = new OverlapWords(resolveTurnOptions());
  const interim = { isFinal: false, isPaused: false, isEarly: false };
  const final = { ...interim, isFinal: true };

  it("needs two words, or one that is final, or one that is known for it", () => {
    expect(words.interrupt(["tomorrow"], interim)).toBe(false);
    expect(words.interrupt(["tomorrow", "please"], interim)).toBe(true);
    expect(words.interrupt(["tomorrow"], final)).toBe(true);
    expect(words.interrupt(["tomorrow"], { ...interim, isPaused: true })).toBe(true);
    expect(words.interrupt(["stop"], interim)).toBe(true);
  });

  it("does not count words of attention, unless they come too early for that", () => {
    expect(words.interrupt(["yeah", "okay", "right"], final)).toBe(false);
    expect(words.interrupt(["yeah", "tomorrow"], interim)).toBe(false);
    expect(words.interrupt(["okay"], { ...final, isEarly: true })).toBe(true);
  });

  it("needs as many words as it is told", () => {
    const strict = new OverlapWords(resolveTurnOptions({ minWords: 4 }));
    expect(strict.interrupt(["i", "want", "tea"], interim)).toBe(false);
    expect(strict.interrupt(["i", "want", "tea"], final)).toBe(true);
    expect(strict.interrupt(["i", "want"], final)).toBe(false);
  });

  it("knows the reply's own words in their order, but not by a single one", () => {
    const echo = new OverlapWords(resolveTurnOptions());
    echo.addReplyText("There was a king.");
    echo.addReplyText("Wait for it!");
    expect(echo.isEcho(["king", "wait"])).toBe(true);
    expect(echo.isEcho(["wait"])).toBe(false);
    expect(echo.isEcho(["wait", "king"])).toBe(false);
    echo.addReplyText("word ".repeat(200));
    expect(echo.isEcho(["king", "wait"])).toBe(false);
  });
});

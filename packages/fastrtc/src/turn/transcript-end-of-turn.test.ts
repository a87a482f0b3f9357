import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { InvalidOptionError } from "../errors.ts";
import { createTranscriptEndOfTurn } from "./transcript-end-of-turn.ts";
import type { TranscriptEndOfTurnOptions } from "./transcript-end-of-turn.ts";

const audio = new Float32Array(0);
const { signal } = new AbortController();
const judge = (transcript: string, options?: TranscriptEndOfTurnOptions): Promise<number> =>
  createTranscriptEndOfTurn(options).predict({ audio, transcript }, { signal });

const COMPLETE: Readonly<Record<string, readonly string[]>> = {
  en: [
    "I would like to book a table for two.",
    "What time is it?",
    "Stop!",
    "yes",
    "no thanks",
    "where is the station",
    "That's what I came for.",
    'He said "let us go."',
    "Where are you from?",
  ],
  de: ["Ich hätte gern einen Kaffee.", "Wie spät ist es?", "ja bitte", "wo ist der Bahnhof"],
  fr: ["Je voudrais un café.", "Quelle heure est-il ?", "oui merci", "où est la gare"],
  es: ["Quiero un café.", "¿Qué hora es?", "sí gracias", "dónde está la estación"],
  zh: ["我想喝咖啡。", "现在几点？", "你吃饭了吗", "好的", "谢谢你"],
  ja: ["コーヒーをください。", "今何時ですか", "はい", "お願いします", "行きました"],
  // No lists of words: punctuation alone.
  ru: ["Я хочу кофе.", "Который час?"],
  hi: ["मुझे कॉफ़ी चाहिए।"],
  ar: ["كم الساعة؟", "أريد قهوة."],
  el: ["Τι ώρα είναι;"],
  hy: ["Ես սուրճ եմ ուզում։"],
  am: ["ቡና እፈልጋለሁ።"],
};

const UNFINISHED: Readonly<Record<string, readonly string[]>> = {
  en: [
    "I would like to book a table and",
    "I would like to book a table and.",
    "because",
    "um",
    "I was thinking, um.",
    "the",
    "Let me see...",
    "Let me see…",
    "Well, first of all,",
    "I went to the store -",
    "my name is",
    "I want to go to",
    "my number is 0 1 7 6",
    "my number is zero one seven.",
    "call me at 0176",
    "Hello there. I would like a big",
    "it’s for dr.",
    "that’s",
  ],
  de: ["Ich hätte gern einen", "weil", "Ich komme aus", "Meine Nummer ist null eins sieben", "äh"],
  fr: ["Je voudrais un", "parce que", "euh", "mon numéro est zéro six"],
  es: ["Quiero un", "porque", "eh", "mi número es seis cinco"],
  zh: ["我想", "因为", "我要一个", "嗯", "我的电话是一三八", "我喜欢咖啡，"],
  ja: ["コーヒーが", "明日は", "えっと", "行きたいですけど", "でも", "電話番号は ゼロ さん"],
  ru: ["Я хочу кофе,", "Я думаю..."],
  ar: ["أريد قهوة،"],
};

const cases = (table: Readonly<Record<string, readonly string[]>>): (readonly [string, string])[] =>
  Object.entries(table).flatMap(([language, texts]) =>
    texts.map((text) => [language, text] as const),
  );

describe("createTranscriptEndOfTurn", () => {
  it.each(cases(COMPLETE))("takes for complete, in %s: %s", async (language, text) => {
    expect(await judge(text, { languages: [language] })).toBeGreaterThan(0.5);
  });

  it.each(cases(UNFINISHED))("takes for unfinished, in %s: %s", async (language, text) => {
    expect(await judge(text, { languages: [language] })).toBeLessThan(0.5);
  });

  it.each(["", "   ", "...", "?"])("cannot tell without words: %j", async (text) => {
    expect(await judge(text)).toBe(0.5);
  });

  it("cannot tell without a transcript", async () => {
    expect(await createTranscriptEndOfTurn().predict({ audio }, { signal })).toBe(0.5);
  });

  it("cannot tell whether a long number is whole", async () => {
    expect(await judge("my number is 0176 5551 234")).toBe(0.5);
  });

  it("takes a number in a sentence for what it is", async () => {
    expect(await judge("We are five.")).toBeGreaterThan(0.5);
    expect(await judge("I was born in 1985.")).toBeGreaterThan(0.5);
  });

  it("cannot tell of an unknown language without punctuation", async () => {
    expect(await judge("ég vil kaffi og", { languages: ["is"] })).toBe(0.5);
  });

  it("reads the region of a language away", async () => {
    expect(await judge("ich möchte und", { languages: ["de-AT"] })).toBeLessThan(0.5);
  });

  it("waits for a word that one of several languages goes on after", async () => {
    // "no" is an answer in English, and a negation that leans on what follows in Spanish.
    expect(await judge("yo no", { languages: ["en"] })).toBeGreaterThan(0.5);
    expect(await judge("y pero", { languages: ["en", "es"] })).toBeLessThan(0.5);
    expect(await judge("and", { languages: ["en", "es"] })).toBeLessThan(0.5);
  });

  it("takes words of a language that it does not know", async () => {
    const words = { is: { open: ["OG"], closing: ["já"] } };

    expect(await judge("ég vil kaffi og", { languages: ["is"], words })).toBeLessThan(0.5);
    expect(await judge("já", { languages: ["is"], words })).toBeGreaterThan(0.5);
  });

  it.each(["en", [1]])("refuses %j as languages", (languages) => {
    expect(() =>
      createTranscriptEndOfTurn({ languages: languages as unknown as string[] }),
    ).toThrow(InvalidOptionError);
  });

  it("rejects with the signal's reason", async () => {
    const prediction = createTranscriptEndOfTurn().predict(
      { audio, transcript: "Hello." },
      { signal: AbortSignal.abort("gone") },
    );

    await expect(prediction).rejects.toBe("gone");
  });

  it("returns a probability for any text", async () => {
    const model = createTranscriptEndOfTurn({ languages: ["en", "de", "fr", "es", "zh", "ja"] });
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: "grapheme", maxLength: 60 }), async (transcript) => {
        const probability = await model.predict({ audio, transcript }, { signal });
        expect(probability).toBeGreaterThanOrEqual(0);
        expect(probability).toBeLessThanOrEqual(1);
      }),
      { seed: 7, numRuns: 300 },
    );
  });
});

import { expect, test } from "vitest";
import { addReplyText, addTranscript, type SpokenText } from "./spoken-text.ts";

test("puts a reply's words together until it is finished", () => {
  let texts: readonly SpokenText[] = [];
  for (const text of ["One, ", "two."])
    texts = addReplyText(texts, { phase: "text", index: 3, text });
  expect(texts).toMatchObject([{ text: "One, two.", isFinal: false }]);
  texts = addReplyText(texts, { phase: "finished", index: 3 });
  expect(texts).toMatchObject([{ text: "One, two.", isFinal: true, isInterrupted: false }]);
});

test("says nothing of replies that have no words", () => {
  const none: readonly SpokenText[] = [];
  for (const phase of ["started", "finished"] as const) {
    expect(addReplyText(none, { phase, index: 1 })).toBe(none);
  }
  expect(addReplyText(none, { phase: "interrupted", index: 1, heardText: "" })).toBe(none);
});

test("keeps user and reply of one turn apart, in the order in which they came", () => {
  const user = addTranscript([], { index: 1, text: "Hello", isFinal: true });
  const both = addReplyText(user, { phase: "text", index: 1, text: "Hi." });
  expect(both.map(({ by }) => by)).toEqual(["user", "reply"]);
});

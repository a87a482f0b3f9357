import { expect, it } from "vitest";
import { toFliteText } from "./flite-text.ts";

it.each([
  ["It’s “fine” – really…", 'It\'s "fine", really...'],
  ["Café Noël in Łódź", "Cafe Noel in lodz"],
  ["That is **very** `good`.", "That is  very   good ."],
  ["It costs €5.50 at 20°", "It costs 5.50 euros at 20 degrees"],
  ["Hello 🙂 there", "Hello   there"],
  ["你好", ""],
  ["…", ""],
])("%s", (text, wanted) => {
  expect(toFliteText(text)).toBe(wanted);
});

import { expect, test } from "vitest";
import { decodeMulaw, encodeMulaw } from "./mulaw.ts";

const bytes = Uint8Array.from({ length: 256 }, (_, index) => index);

test("knows the codes of G.711's table", () => {
  expect([...decodeMulaw(Uint8Array.of(0xff, 0x7f, 0x80, 0x00, 0xf0, 0xef))]).toEqual([
    0, 0, 32_124, -32_124, 120, 132,
  ]);
});

test("gives every code back, but for the second zero", () => {
  const again = encodeMulaw(decodeMulaw(bytes));
  expect([...again].filter((code, index) => code !== index)).toEqual([0xff]);
});

test("is never further off than half a step", () => {
  for (let sample = -32_768; sample <= 32_767; sample += 7) {
    const decoded = decodeMulaw(encodeMulaw(Int16Array.of(sample)))[0] ?? 0;
    const step = Math.max(8, 2 ** (Math.floor(Math.log2(Math.abs(sample) + 132)) - 4));
    expect(Math.abs(decoded - Math.max(-32_635, Math.min(32_635, sample)))).toBeLessThanOrEqual(
      step,
    );
  }
});

import { describe, expect, it } from "vitest";
import { createComplexArray, FFT_LENGTH, transform } from "./mixed-radix-fft.ts";
import type { ComplexArray } from "./mixed-radix-fft.ts";

function slowTransform({ re, im }: ComplexArray): ComplexArray {
  const result = createComplexArray();
  for (let k = 0; k < FFT_LENGTH; k++) {
    for (let n = 0; n < FFT_LENGTH; n++) {
      const angle = (-2 * Math.PI * ((k * n) % FFT_LENGTH)) / FFT_LENGTH;
      result.re[k]! += re[n]! * Math.cos(angle) - im[n]! * Math.sin(angle);
      result.im[k]! += re[n]! * Math.sin(angle) + im[n]! * Math.cos(angle);
    }
  }
  return result;
}

describe("transform", () => {
  it("equals the definition of the Fourier transform on noise", () => {
    const data = createComplexArray();
    let seed = 1;
    const noise = (): number => {
      seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
      return seed / 2 ** 32 - 0.5;
    };
    for (let n = 0; n < FFT_LENGTH; n++) {
      data.re[n] = noise();
      data.im[n] = noise();
    }
    const expected = slowTransform(data);

    transform(data, createComplexArray());

    for (let k = 0; k < FFT_LENGTH; k++) {
      expect(data.re[k]).toBeCloseTo(expected.re[k]!, 10);
      expect(data.im[k]).toBeCloseTo(expected.im[k]!, 10);
    }
  });
});

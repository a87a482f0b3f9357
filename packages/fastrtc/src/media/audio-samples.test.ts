import { describe, expect, it } from "vitest";
import { InvalidOptionError } from "../errors.ts";
import { audioToFloat32, audioToInt16, type AudioSamples } from "./audio-samples.ts";

const unsupported = new Int32Array([1, 2, 3]) as unknown as AudioSamples;

describe("audioToFloat32", () => {
  it("maps the range of 16 bits to -1 up to 1", () => {
    expect(audioToFloat32(Int16Array.of(-32768, 0, 32767))).toEqual(
      Float32Array.of(-1, 0, 32767 / 32768),
    );
  });

  it("returns floats as they are", () => {
    const floats = Float32Array.of(-1, 0, 0.5);
    expect(audioToFloat32(floats)).toBe(floats);
  });

  it("returns nothing for nothing", () => {
    expect(audioToFloat32(new Int16Array(0))).toEqual(new Float32Array(0));
  });

  it("takes a pair of rate and samples", () => {
    expect(audioToFloat32([16_000, Int16Array.of(16_384)])).toEqual(Float32Array.of(0.5));
  });

  it("refuses 32-bit integers", () => {
    expect(() => audioToFloat32(unsupported)).toThrow("Unsupported audio data type");
    expect(() => audioToFloat32(unsupported)).toThrow(InvalidOptionError);
  });
});

describe("audioToInt16", () => {
  it("maps -1 up to 1 to the symmetric range of 16 bits", () => {
    expect(audioToInt16(Float32Array.of(-1, 0, 1))).toEqual(Int16Array.of(-32767, 0, 32767));
  });

  it("clips what lies beyond, and makes silence of what is not a number", () => {
    expect(audioToInt16(Float32Array.of(-7, 1.5, -Infinity, Infinity, NaN))).toEqual(
      Int16Array.of(-32767, 32767, -32767, 32767, 0),
    );
  });

  it("returns integers as they are", () => {
    const integers = Int16Array.of(-32768, 0, 32767);
    expect(audioToInt16(integers)).toBe(integers);
  });

  it("returns nothing for nothing", () => {
    expect(audioToInt16(new Float32Array(0))).toEqual(new Int16Array(0));
  });

  it("takes a pair of rate and samples", () => {
    expect(audioToInt16([16_000, Float32Array.of(1)])).toEqual(Int16Array.of(32767));
  });

  it("refuses 32-bit integers", () => {
    expect(() => audioToInt16(unsupported)).toThrow("Unsupported audio data type");
  });
});

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { AudioFrame } from "../../media/audio-frame.ts";
import { SpeechBody } from "./speech-body.ts";

const sound = Int16Array.from({ length: 3000 }, (_, i) => ((i * 7919) % 30_000) - 15_000);
const frame = new AudioFrame({ samples: sound, sampleRate: 22_050 });

function read(bytes: Uint8Array, cuts: readonly number[], format: "pcm" | "wav"): AudioFrame[] {
  const body = new SpeechBody({ format, sampleRate: 24_000 });
  const frames: (AudioFrame | undefined)[] = [];
  let at = 0;
  for (const cut of [...cuts, bytes.length].sort((a, b) => a - b)) {
    frames.push(body.push(bytes.slice(at, Math.max(at, cut))));
    at = Math.max(at, cut);
  }
  return [...frames, body.end()].filter((piece) => piece !== undefined);
}

/** A WAV file with other chunks before and after the sound, whose writer did not know its length. */
function streamedWav(length: number): Uint8Array {
  const plain = frame.toWav();
  const list = new Uint8Array([...new TextEncoder().encode("LIST"), 3, 0, 0, 0, 1, 2, 3, 0]);
  const bytes = new Uint8Array([...plain.slice(0, 36), ...list, ...plain.slice(36)]);
  new DataView(bytes.buffer).setUint32(36 + list.length + 4, length, true);
  return bytes;
}

describe("the sound is the same wherever the bytes are cut", () => {
  it.each([
    ["raw samples", frame.toBytes(), "pcm", 24_000],
    ["a WAV file", frame.toWav(), "wav", 22_050],
    ["a WAV file where raw samples were asked for", frame.toWav(), "pcm", 22_050],
    ["a WAV file of unknown length, written as 0", streamedWav(0), "wav", 22_050],
    ["a WAV file of unknown length, written as the most", streamedWav(0xffffffff), "wav", 22_050],
  ] as const)("%s", (_name, bytes, format, sampleRate) => {
    fc.assert(
      fc.property(fc.array(fc.nat(bytes.length), { maxLength: 30 }), (cuts) => {
        const frames = read(bytes, cuts, format);
        expect(AudioFrame.concat(frames).samples).toEqual(sound);
        for (const piece of frames) expect(piece.sampleRate).toBe(sampleRate);
      }),
      { seed: 7, numRuns: 60 },
    );
  });
});

it("what follows the sound in a file is not played", () => {
  const bytes = new Uint8Array([
    ...frame.toWav(),
    ...new TextEncoder().encode("LIST\x04\0\0\0meta"),
  ]);
  expect(AudioFrame.concat(read(bytes, [100, 5000], "wav")).samples).toEqual(sound);
});

it("pieces below 20 ms wait for more", () => {
  const body = new SpeechBody({ format: "pcm", sampleRate: 24_000 });
  expect(body.push(new Uint8Array(900))).toBeUndefined();
  expect(body.push(new Uint8Array(61))?.sampleCount).toBe(480);
});

it("a half sample at the end is dropped", () => {
  expect(AudioFrame.concat(read(new Uint8Array(2001), [], "pcm")).sampleCount).toBe(1000);
});

it("no bytes are no audio", () => {
  expect(read(new Uint8Array(0), [], "pcm")).toEqual([]);
});

it("what is no WAV file says so, at its first bytes", () => {
  const body = new SpeechBody({ format: "wav", sampleRate: 24_000 });
  const mp3 = new Uint8Array(500).fill(0x55);
  expect(() => body.push(mp3)).toThrow(/Not a WAV file/);
});

it("a file of a kind that cannot be read says so", () => {
  const bytes = frame.toWav();
  new DataView(bytes.buffer).setUint16(20, 85, true);
  expect(() => read(bytes, [], "wav")).toThrow(/format 85/);
});

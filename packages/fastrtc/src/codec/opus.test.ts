import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CodecError, InvalidOptionError, InvalidStateError } from "../errors.ts";
import {
  fitTone,
  rootMeanSquare,
  signalToNoiseDb,
  speechLike,
  tone,
} from "../testing/synthetic-audio.ts";
import type { AudioDecoder, AudioEncoder } from "./codec.ts";
import { createOpusDecoder } from "./opus-decoder.ts";
import { createOpusEncoder, type OpusEncoderOptions } from "./opus-encoder.ts";
import { opusModule } from "./opus-module.ts";

const RATES = [8000, 12_000, 16_000, 24_000, 48_000] as const;
const IMPLEMENTATIONS = ["native", "wasm"] as const;

function integers(floats: Float32Array): Int16Array {
  return Int16Array.from(floats, (value) => Math.round(value * 32767));
}

function framesOf(encoder: AudioEncoder, samples: Int16Array): Int16Array[] {
  const size = encoder.frameSamples * encoder.channels;
  return Array.from({ length: Math.floor(samples.length / size) }, (_, i) =>
    samples.subarray(i * size, (i + 1) * size),
  );
}

function encodeAll(samples: Int16Array, options: OpusEncoderOptions): Uint8Array[] {
  const encoder = createOpusEncoder(options);
  const packets = framesOf(encoder, samples).map((frame) => encoder.encode(frame));
  encoder.free();
  return packets;
}

type Receive = (decoder: AudioDecoder, packet: Uint8Array, index: number) => Int16Array;

function decodeAll(
  packets: readonly Uint8Array[],
  decoder: AudioDecoder,
  receive: Receive = (d, packet) => d.decode(packet),
): Int16Array {
  const output = packets.map((packet, i) => receive(decoder, packet, i).slice());
  decoder.free();
  return Int16Array.from(output.flatMap((samples) => [...samples]));
}

describe("Opus", () => {
  describe.each(IMPLEMENTATIONS)("encoded by the %s build", (implementation) => {
    it.each(RATES)("carries a tone at %i Hz", (sampleRate) => {
      const packets = encodeAll(integers(tone(440, sampleRate, sampleRate)), {
        sampleRate,
        implementation,
      });
      const output = decodeAll(packets, createOpusDecoder({ sampleRate }));
      expect(output).toHaveLength(sampleRate);
      const { amplitude, signalToNoiseDb } = fitTone(
        output.subarray(sampleRate / 2),
        440,
        sampleRate,
      );
      expect(signalToNoiseDb).toBeGreaterThan(20);
      expect(amplitude / 32767).toBeCloseTo(0.5, 1);
    });

    it("carries left and right apart", () => {
      const left = integers(tone(440, 48_000, 48_000));
      const right = integers(tone(880, 48_000, 48_000));
      const stereo = Int16Array.from({ length: 96_000 }, (_, i) => (i % 2 ? right : left)[i >> 1]!);
      const options = {
        channels: 2,
        bitrateBps: 96_000,
        application: "audio",
        implementation,
      } as const;
      const output = decodeAll(encodeAll(stereo, options), createOpusDecoder({ channels: 2 }));
      const half = output.subarray(48_000);
      const leftOut = half.filter((_, i) => i % 2 === 0);
      const rightOut = half.filter((_, i) => i % 2 === 1);
      expect(fitTone(leftOut, 440, 48_000).signalToNoiseDb).toBeGreaterThan(20);
      expect(fitTone(rightOut, 880, 48_000).signalToNoiseDb).toBeGreaterThan(20);
    });

    it("keeps to the bitrate", () => {
      for (const bitrateBps of [16_000, 32_000, 64_000]) {
        const packets = encodeAll(speechLike(48_000, 4000), { bitrateBps, implementation });
        const bytes = packets.reduce((sum, packet) => sum + packet.length, 0);
        expect((bytes * 8) / 4).toBeLessThan(bitrateBps * 1.1);
        expect((bytes * 8) / 4).toBeGreaterThan(bitrateBps * 0.5);
      }
    });

    it("sends next to nothing of silence with DTX", () => {
      const packets = encodeAll(new Int16Array(48_000 * 2), { dtx: true, implementation });
      expect(packets.filter((packet) => packet.length <= 2).length).toBeGreaterThan(80);
    });

    it("returns packets that later ones do not change", () => {
      const encoder = createOpusEncoder({ sampleRate: 16_000, implementation });
      const [first, second] = framesOf(encoder, speechLike(16_000, 40));
      const packet = encoder.encode(first!);
      const copy = packet.slice();
      encoder.encode(second!);
      expect(packet).toEqual(copy);
      encoder.free();
    });

    it("encodes after a reset, and on a reused encoder, as a new one does", () => {
      const speech = speechLike(24_000, 400);
      const options = { sampleRate: 24_000, implementation } as const;
      const first = encodeAll(speech, options);
      expect(encodeAll(speech, options)).toEqual(first);
      // An encoder of other settings, freed for the next to reuse.
      encodeAll(speech, {
        ...options,
        bitrateBps: 12_000,
        complexity: 0,
        signal: "music",
        packetLossPercent: 30,
        dtx: true,
      });
      const encoder = createOpusEncoder(options);
      const frames = framesOf(encoder, speech);
      expect(frames.map((frame) => encoder.encode(frame))).toEqual(first);
      encoder.reset();
      expect(frames.map((frame) => encoder.encode(frame))).toEqual(first);
      encoder.free();
    });

    it("refuses frames of any other length and goes on", () => {
      const encoder = createOpusEncoder({ sampleRate: 16_000, implementation });
      expect(encoder.frameSamples).toBe(320);
      expect(() => encoder.encode(new Int16Array(319))).toThrow(
        "Cannot encode 319 samples: a frame has 320.",
      );
      expect(() => encoder.encode(new Int16Array(0))).toThrow(CodecError);
      expect(encoder.encode(new Int16Array(320)).length).toBeGreaterThan(0);
      encoder.free();
    });

    it("may be freed twice, and throws when used after that", () => {
      const encoder = createOpusEncoder({ implementation });
      encoder.free();
      encoder.free();
      expect(() => encoder.encode(new Int16Array(960))).toThrow(InvalidStateError);
      expect(() => encoder.setPacketLoss(5)).toThrow(InvalidStateError);
    });

    it("spends bytes on error correction only once it hears of loss", () => {
      const speech = speechLike(16_000, 2000);
      const options = { sampleRate: 16_000, implementation } as const;
      const decodeLost = (packets: Uint8Array[]): number => recoveredDb(packets, 16_000);
      const encoder = createOpusEncoder(options);
      encoder.setPacketLoss(NaN);
      const without = framesOf(encoder, speech).map((frame) => encoder.encode(frame));
      encoder.reset();
      encoder.setPacketLoss(20);
      const withFec = framesOf(encoder, speech).map((frame) => encoder.encode(frame));
      encoder.free();
      expect(decodeLost(withFec)).toBeGreaterThan(decodeLost(without) + 6);
    });
  });

  it("sounds nearly the same from both builds", () => {
    const speech = speechLike(24_000, 2000);
    const [native, wasm] = IMPLEMENTATIONS.map((implementation) =>
      decodeAll(
        encodeAll(speech, { sampleRate: 24_000, implementation }),
        createOpusDecoder({ sampleRate: 24_000 }),
      ),
    );
    expect(signalToNoiseDb(native!, wasm!)).toBeGreaterThan(12);
    expect(rootMeanSquare(native!) / rootMeanSquare(wasm!)).toBeCloseTo(1, 1);
  });

  it("says which build encodes", () => {
    const encoder = createOpusEncoder();
    expect(IMPLEMENTATIONS).toContain(encoder.implementation);
    encoder.free();
  });

  it.each([
    [{ sampleRate: 44_100 }, "Invalid sampleRate: 44100"],
    [{ channels: 3 }, "Invalid channels: 3"],
    [{ frameMs: 15 }, "Invalid frameMs: 15"],
    [{ bitrateBps: 32 }, "Invalid bitrateBps: 32"],
    [{ bitrateBps: "32k" }, 'Invalid bitrateBps: "32k"'],
    [{ complexity: 11 }, "Invalid complexity: 11"],
    [{ packetLossPercent: -1 }, "Invalid packetLossPercent: -1"],
    [{ application: "phone" }, 'Invalid application: "phone"'],
    [{ signal: "noise" }, 'Invalid signal: "noise"'],
    [{ implementation: "rust" }, 'Invalid implementation: "rust"'],
  ])("refuses the encoder option %o", (options, message) => {
    const create = (): unknown => createOpusEncoder(options as OpusEncoderOptions);
    expect(create).toThrow(message);
    expect(create).toThrow(InvalidOptionError);
  });
});

/** Loses each fifth packet and returns how well the next one's FEC makes up for it. */
function recoveredDb(packets: Uint8Array[], sampleRate: (typeof RATES)[number]): number {
  return lossDb(packets, sampleRate, (decoder, i) =>
    decoder.conceal(sampleRate / 50, packets[i + 1]),
  );
}

function lossDb(
  packets: Uint8Array[],
  sampleRate: (typeof RATES)[number],
  fill: (decoder: AudioDecoder, index: number) => Int16Array,
): number {
  const isLost = (index: number): boolean => index % 5 === 2;
  const clean = decodeAll(packets, createOpusDecoder({ sampleRate }));
  const output = decodeAll(packets, createOpusDecoder({ sampleRate }), (decoder, packet, i) =>
    isLost(i) ? fill(decoder, i) : decoder.decode(packet),
  );
  const inGaps = (_: number, i: number): boolean => isLost(Math.floor(i / (sampleRate / 50)));
  return signalToNoiseDb(clean.filter(inGaps), output.filter(inGaps));
}

describe("createOpusDecoder", () => {
  it.each([16_000, 24_000, 48_000] as const)(
    "hides losses at %i Hz, better with error correction, and both better than silence",
    (sampleRate) => {
      const packets = encodeAll(speechLike(sampleRate, 4000), {
        sampleRate,
        packetLossPercent: 20,
      });
      const gap = sampleRate / 50;
      const silence = lossDb(packets, sampleRate, () => new Int16Array(gap));
      const concealed = lossDb(packets, sampleRate, (decoder) => decoder.conceal(gap));
      const corrected = recoveredDb(packets, sampleRate);
      expect(silence).toBeCloseTo(0);
      expect(concealed).toBeGreaterThan(1);
      expect(corrected).toBeGreaterThan(concealed + 5);
    },
  );

  it("decodes up to 120 ms at once", () => {
    const encoder = createOpusEncoder({ frameMs: 60, sampleRate: 16_000 });
    const [a, b] = framesOf(encoder, speechLike(16_000, 120)).map((frame) => encoder.encode(frame));
    encoder.free();
    // Two frames of different lengths in one packet: code 2.
    const [toc, ...first] = a!;
    const length =
      first.length < 252
        ? [first.length]
        : [252 + (first.length & 3), (first.length - 252 - (first.length & 3)) / 4];
    const both = Uint8Array.of(toc! | 2, ...length, ...first, ...b!.subarray(1));
    const decoder = createOpusDecoder();
    expect(decoder.decode(both)).toHaveLength(5760);
    decoder.free();
  });

  it("conceals gaps of any length up to one second", () => {
    const decoder = createOpusDecoder({ sampleRate: 16_000, channels: 2 });
    for (const duration of [1, 39, 40, 320, 1920, 1921, 5000, 16_000]) {
      expect(decoder.conceal(duration)).toHaveLength(duration * 2);
    }
    for (const duration of [0, -1, NaN, 16_001]) {
      expect(() => decoder.conceal(duration)).toThrow(CodecError);
    }
    decoder.free();
  });

  it("fades a long gap to silence", () => {
    const decoder = createOpusDecoder({ sampleRate: 16_000 });
    const options = { sampleRate: 16_000, complexity: 5 } as const;
    for (const packet of encodeAll(integers(tone(300, 16_000, 16_000)), options)) {
      decoder.decode(packet);
    }
    const gap = decoder.conceal(16_000);
    const begin = rootMeanSquare(gap.subarray(0, 160));
    expect(begin).toBeGreaterThan(3000);
    expect(rootMeanSquare(gap.subarray(15_000))).toBeLessThan(begin / 20);
    decoder.free();
  });

  it("takes an empty packet for as much silence as the last one had sound", () => {
    const encoder = createOpusEncoder({ sampleRate: 16_000, frameMs: 60 });
    const packet = encoder.encode(new Int16Array(960));
    encoder.free();
    const decoder = createOpusDecoder({ sampleRate: 16_000 });
    expect(decoder.decode(new Uint8Array(0))).toHaveLength(320);
    decoder.decode(packet);
    expect(decoder.decode(new Uint8Array(0))).toHaveLength(960);
    decoder.free();
  });

  it("decodes the one-byte packets of DTX", () => {
    const decoder = createOpusDecoder({ sampleRate: 16_000 });
    expect(decoder.decode(Uint8Array.of(9 << 3))).toHaveLength(320);
    decoder.free();
  });

  it("conceals without the help of a packet that is corrupt", () => {
    const decoder = createOpusDecoder({ sampleRate: 16_000 });
    expect(decoder.conceal(320, Uint8Array.of(3))).toHaveLength(320);
    expect(decoder.conceal(320, new Uint8Array(0))).toHaveLength(320);
    decoder.free();
  });

  it("refuses a corrupt packet, and decodes the next as if it had not come", () => {
    const packets = encodeAll(speechLike(16_000, 400), { sampleRate: 16_000 });
    const clean = decodeAll(packets, createOpusDecoder({ sampleRate: 16_000 }));
    const hurt = decodeAll(
      packets,
      createOpusDecoder({ sampleRate: 16_000 }),
      (decoder, packet) => {
        expect(() => decoder.decode(Uint8Array.of(3))).toThrow("Opus decode: corrupt packet.");
        expect(() => decoder.decode(new Uint8Array(100_000))).toThrow(CodecError);
        return decoder.decode(packet);
      },
    );
    expect(hurt).toEqual(clean);
  });

  it("survives any bytes, and decodes the next good packet", () => {
    const good = encodeAll(speechLike(48_000, 200), {});
    const decoder = createOpusDecoder({ channels: 2 });
    const truncated = fc
      .tuple(fc.constantFrom(...good), fc.nat(200), fc.nat(255))
      .map(([packet, at, value]) => {
        const bytes = packet.slice(0, 1 + (at % packet.length));
        bytes[at % bytes.length] = value;
        return bytes;
      });
    const anything = fc.oneof(fc.uint8Array({ maxLength: 300 }), truncated);
    fc.assert(
      fc.property(anything, fc.boolean(), (bytes, asFec) => {
        if (asFec) {
          expect(decoder.conceal(960, bytes)).toHaveLength(1920);
        } else {
          try {
            decoder.decode(bytes);
          } catch (error) {
            expect(error).toBeInstanceOf(CodecError);
          }
        }
        expect(decoder.decode(good[5]!)).toHaveLength(1920);
      }),
      { seed: 5, numRuns: 1500 },
    );
    decoder.free();
  });

  it("gives mono of stereo packets and stereo of mono ones", () => {
    const mono = encodeAll(speechLike(48_000, 100), {});
    expect(decodeAll(mono, createOpusDecoder({ channels: 2 }))).toHaveLength(9600);
    const stereo = encodeAll(speechLike(48_000, 200), { channels: 2 });
    expect(decodeAll(stereo, createOpusDecoder({ channels: 1 }))).toHaveLength(4800);
  });

  it("may be freed twice, and throws when used after that", () => {
    const decoder = createOpusDecoder();
    decoder.free();
    decoder.free();
    expect(() => decoder.decode(Uint8Array.of(9 << 3))).toThrow(InvalidStateError);
    expect(() => decoder.conceal(960)).toThrow(InvalidStateError);
    expect(() => decoder.decode(new Uint8Array(0))).toThrow(InvalidStateError);
  });

  it("keeps the sounds of three hundred sessions apart while memory grows", () => {
    const before = opusModule().functions.memory.buffer.byteLength;
    const packets = [300, 700].map((frequency) =>
      encodeAll(integers(tone(frequency, 16_000, 3200)), { sampleRate: 16_000 }),
    );
    const sessions = Array.from({ length: 300 }, (_, i) => ({
      packets: packets[i % 2]!,
      decoder: createOpusDecoder({ sampleRate: 16_000 }),
      encoder: createOpusEncoder({ sampleRate: 16_000, implementation: "wasm" }),
      output: new Int16Array(3200),
    }));
    // Views that were handed out before memory grew again must still hold their sound.
    const held = sessions[0]!.decoder.decode(packets[0]![9]!);
    const copy = held.slice();
    const more = Array.from({ length: 100 }, () =>
      createOpusEncoder({ channels: 2, implementation: "wasm" }),
    );
    expect(held).toEqual(copy);
    sessions[0]!.decoder.free();
    sessions[0]!.decoder = createOpusDecoder({ sampleRate: 16_000 });
    for (let i = 0; i < 10; i++) {
      for (const session of sessions) {
        const samples = session.decoder.decode(session.packets[i]!);
        session.output.set(samples, i * 320);
        session.encoder.encode(samples);
      }
    }
    for (const parity of [0, 1]) {
      const alone = decodeAll(packets[parity]!, createOpusDecoder({ sampleRate: 16_000 }));
      for (let i = parity; i < 300; i += 2) {
        expect(Buffer.from(sessions[i]!.output.buffer).equals(Buffer.from(alone.buffer))).toBe(
          true,
        );
      }
    }
    expect(opusModule().functions.memory.buffer.byteLength).toBeGreaterThan(before);
    for (const { decoder, encoder } of sessions) {
      decoder.free();
      encoder.free();
    }
    for (const encoder of more) encoder.free();
  });

  it("gives its memory back", () => {
    for (let i = 0; i < 50; i++) createOpusDecoder({ channels: 2 }).free();
    const before = opusModule().functions.memory.buffer.byteLength;
    for (let i = 0; i < 2000; i++) createOpusDecoder({ channels: 2 }).free();
    expect(opusModule().functions.memory.buffer.byteLength).toBe(before);
  });

  it("refuses a rate that Opus does not know", () => {
    expect(() => createOpusDecoder({ sampleRate: 44_100 as 48_000 })).toThrow(
      "Invalid sampleRate: 44100",
    );
    expect(() => createOpusDecoder({ channels: 0 as 1 })).toThrow("Invalid channels: 0");
  });
});

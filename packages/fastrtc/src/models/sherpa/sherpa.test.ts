import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { AudioFrame } from "../../media/audio-frame.ts";
import type { SherpaAudio, SherpaStream } from "./sherpa-module.ts";
import { readSttConfig } from "./sherpa-stt-config.ts";
import { createSherpaStt, toWords } from "./sherpa-stt.ts";
import { readTtsConfig } from "./sherpa-tts-config.ts";
import { createSherpaTts } from "./sherpa-tts.ts";

/** A stand-in for the native library: no weights are part of these tests. */
const fake = vi.hoisted(() => ({
  decode: (): Promise<unknown> => Promise.resolve({ text: " Hello. " }),
  generate: (): Promise<unknown> =>
    Promise.resolve({ samples: new Float32Array(800), sampleRate: 16_000 }),
  created: 0,
}));
vi.mock("sherpa-onnx-node", () => {
  class Offline {
    static createAsync(): Promise<Offline> {
      fake.created++;
      return Promise.resolve(new Offline());
    }
    readonly numSpeakers = 2;
    createStream(): SherpaStream {
      return { acceptWaveform: () => undefined };
    }
    decodeAsync = () => fake.decode();
    generateAsync = () => fake.generate();
  }
  /** Hears a word a second, and an end in silence. */
  class Online {
    #seconds = 0;
    #silence = 0;
    createStream(): SherpaStream {
      this.reset();
      return {
        acceptWaveform: ({ samples, sampleRate }: SherpaAudio) => {
          const seconds = samples.length / sampleRate;
          if (samples.every((sample) => sample === 0)) this.#silence += seconds;
          else this.#seconds += seconds;
        },
        inputFinished: () => undefined,
      };
    }
    isReady = () => false;
    decode = () => undefined;
    isEndpoint = () => this.#silence >= 1;
    reset(): void {
      this.#seconds = 0;
      this.#silence = 0;
    }
    getResult = () => ({ text: Array.from({ length: this.#seconds }, () => "word").join(" ") });
  }
  return { default: { OfflineRecognizer: Offline, OfflineTts: Offline, OnlineRecognizer: Online } };
});

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "fastrtc-sherpa-"));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function folder(name: string, ...files: string[]): string {
  const path = join(root, name);
  mkdirSync(path, { recursive: true });
  for (const file of files) writeFileSync(join(path, file), "x".repeat(300));
  return path;
}
const moonshine = () =>
  folder(
    "moonshine",
    ...["preprocess.onnx", "encode.int8.onnx", "uncached_decode.int8.onnx"],
    ...["cached_decode.int8.onnx", "tokens.txt"],
  );
const zipformer = () =>
  folder("streaming-zipformer", "encoder-1.onnx", "decoder-1.onnx", "joiner-1.onnx", "tokens.txt");
const kokoro = () => folder("kokoro", "model.onnx", "voices.bin", "tokens.txt");
const speech = (seconds: number): AudioFrame =>
  new AudioFrame({ samples: new Int16Array(16_000 * seconds).fill(1000), sampleRate: 16_000 });

describe("what sherpa is told, from the files of a folder", () => {
  it("of a Moonshine", () => {
    const modelPath = moonshine();
    expect(readSttConfig({ modelPath, numThreads: 2 })).toMatchObject({
      type: "moonshine",
      config: {
        featConfig: { sampleRate: 16_000, featureDim: 80 },
        modelConfig: {
          moonshine: {
            preprocessor: join(modelPath, "preprocess.onnx"),
            encoder: join(modelPath, "encode.int8.onnx"),
            uncachedDecoder: join(modelPath, "uncached_decode.int8.onnx"),
            cachedDecoder: join(modelPath, "cached_decode.int8.onnx"),
          },
          tokens: join(modelPath, "tokens.txt"),
          numThreads: 2,
        },
      },
    });
  });

  it("of a Whisper, whose 8-bit files are taken unless told otherwise", () => {
    const modelPath = folder(
      "whisper",
      ...["tiny.en-encoder.onnx", "tiny.en-encoder.int8.onnx", "tiny.en-decoder.onnx"],
      ...["tiny.en-decoder.int8.onnx", "tiny.en-tokens.txt"],
    );
    const encoderOf = (quantized?: boolean) => {
      const { config } = readSttConfig({ modelPath, quantized, language: "en" });
      return (config as { modelConfig: { whisper: { encoder: string } } }).modelConfig.whisper;
    };
    expect(encoderOf()).toMatchObject({
      encoder: join(modelPath, "tiny.en-encoder.int8.onnx"),
      language: "en",
      task: "transcribe",
    });
    expect(encoderOf(false).encoder).toBe(join(modelPath, "tiny.en-encoder.onnx"));
  });

  it("of a SenseVoice, and of Zipformers that listen along or not", () => {
    const senseVoice = folder("sherpa-onnx-sense-voice", "model.int8.onnx", "tokens.txt");
    expect(readSttConfig({ modelPath: senseVoice }).config).toMatchObject({
      modelConfig: { senseVoice: { language: "auto" } },
    });
    expect(readSttConfig({ modelPath: zipformer() })).toMatchObject({
      type: "streaming-transducer",
      config: { enableEndpoint: 1 },
    });
    const plain = folder("zipformer", "encoder.onnx", "decoder.onnx", "joiner.onnx", "tokens.txt");
    expect(readSttConfig({ modelPath: plain }).type).toBe("transducer");
  });

  it("of a Kokoro, a Piper and a Matcha", () => {
    mkdirSync(join(kokoro(), "espeak-ng-data"));
    expect(readTtsConfig({ modelPath: join(root, "kokoro") })).toMatchObject({
      model: {
        kokoro: {
          voices: join(root, "kokoro", "voices.bin"),
          dataDir: join(root, "kokoro", "espeak-ng-data"),
          lexicon: "",
        },
      },
    });
    const piper = folder("vits-piper", "en_US-amy-medium.onnx", "tokens.txt");
    expect(readTtsConfig({ modelPath: piper })).toMatchObject({
      model: { vits: { model: join(piper, "en_US-amy-medium.onnx"), dataDir: "" } },
    });
    const matcha = folder("matcha", "model-steps-3.onnx", "vocos-22khz-univ.onnx", "tokens.txt");
    expect(readTtsConfig({ modelPath: matcha })).toMatchObject({
      model: { matcha: { vocoder: join(matcha, "vocos-22khz-univ.onnx") } },
    });
  });
});

describe("what is missing is named", () => {
  it.each([
    [
      "a folder",
      () => createSherpaStt({ modelPath: join(root, "none") }),
      /There is no folder .*none.*models pull/,
    ],
    [
      "a file",
      () => createSherpaStt({ modelPath: folder("a", "encode.onnx"), type: "moonshine" }),
      /no preprocessor.*there are encode.onnx/,
    ],
    [
      "all files",
      () => createSherpaTts({ modelPath: folder("b") }),
      /no list of tokens.*there are no files/,
    ],
    [
      "what kind it is",
      () => createSherpaStt({ modelPath: folder("c", "model.onnx") }),
      /Give type: moonshine/,
    ],
    ["a path", () => createSherpaStt({ modelPath: "" }), /modelPath/],
  ])("%s", (_what, create, message) => {
    expect(create).toThrow(message);
  });

  it("a file with next to nothing in it", () => {
    const modelPath = moonshine();
    writeFileSync(join(modelPath, "preprocess.onnx"), "version https://git-lfs");
    expect(() => createSherpaStt({ modelPath })).toThrow(/has 23 bytes.*Git LFS/);
  });
});

describe("recognition", () => {
  it("loads the model with the first utterance, once", async () => {
    const before = fake.created;
    const stt = createSherpaStt({ modelPath: moonshine() });
    expect(fake.created).toBe(before);
    expect(await stt.transcribe(speech(1))).toEqual({ text: "Hello." });
    await stt.transcribe(speech(1));
    expect(fake.created).toBe(before + 1);
    expect(await stt.transcribe(speech(0))).toEqual({ text: "" });
  });

  it("ends at once when nobody waits for it; the next one works", async () => {
    const stt = createSherpaStt({ modelPath: moonshine() });
    const stop = new AbortController();
    const lost = stt.transcribe(speech(1), stop);
    stop.abort(new Error("nobody waits"));
    await expect(lost).rejects.toThrow("nobody waits");
    expect((await stt.transcribe(speech(1))).text).toBe("Hello.");
  });

  it("says which model failed on what", async () => {
    fake.decode = () => Promise.reject(new Error("tensor of the wrong shape"));
    const failed = createSherpaStt({ modelPath: moonshine() }).transcribe(speech(1));
    await expect(failed).rejects.toMatchObject({
      code: "MODEL",
      message:
        "sherpa moonshine: It failed on 1.00 s of audio at 16000 Hz: tensor of the wrong shape",
    });
  });

  it("by a model that listens along gives partial and final words", async () => {
    const stt = createSherpaStt({ modelPath: zipformer() });
    async function* audio(): AsyncGenerator<AudioFrame> {
      yield speech(1);
      yield speech(1);
      yield AudioFrame.silence(1000, 16_000);
      yield speech(1);
    }
    const heard: string[] = [];
    for await (const { text, isFinal } of stt.stream!(audio()))
      heard.push(`${text}${isFinal ? "." : ""}`);
    expect(heard).toEqual(["word", "word word", "word word.", "word", "word."]);
    expect(await stt.transcribe(speech(3))).toEqual({ text: "word word word" });
  });

  it("that listens along closes its audio when it is interrupted", async () => {
    const stop = new AbortController();
    let isClosed = false;
    const audio: AsyncIterable<AudioFrame> = {
      [Symbol.asyncIterator]: () => ({
        next: () => new Promise(() => undefined),
        return: () => {
          isClosed = true;
          return Promise.resolve({ done: true, value: undefined });
        },
      }),
    };
    const words = createSherpaStt({ modelPath: zipformer() }).stream!(audio, stop);
    const waiting = words[Symbol.asyncIterator]().next();
    stop.abort(new Error("hung up"));
    await expect(waiting).rejects.toThrow("hung up");
    expect(isClosed).toBe(true);
  });

  it("joins tokens to words with their times", () => {
    const words = toWords([" Hel", "lo", " you", "."], [0.1, 0.3, 0.5, 0.9]);
    expect(words).toEqual([
      { text: "Hello", startMs: 100, endMs: 500 },
      { text: "you.", startMs: 500, endMs: 900 },
    ]);
    expect(toWords(["你", "好"], [0, 1])).toEqual([]);
    expect(toWords([" a"], [])).toEqual([]);
  });
});

describe("speech", () => {
  it("is spoken clause by clause", async () => {
    const tts = createSherpaTts({ modelPath: kokoro(), speaker: 1 });
    const texts: (string | undefined)[] = [];
    for await (const frame of tts.stream("Yes. Here it is.")) texts.push(frame.text);
    expect(texts).toEqual(["Yes. ", "Here it is."]);
  });

  it("by a speaker that there is not says which there are", async () => {
    const tts = createSherpaTts({ modelPath: kokoro(), speaker: 2 });
    await expect(tts.tts("Hello.")).rejects.toThrow(/speakers 0 to 1/);
  });

  it("that fails says which model and which text", async () => {
    fake.generate = () => Promise.reject(new Error("out of memory"));
    await expect(createSherpaTts({ modelPath: kokoro() }).tts("Hello.")).rejects.toMatchObject({
      code: "MODEL",
      message: 'sherpa kokoro: It failed on "Hello." (6 characters): out of memory',
    });
  });
});

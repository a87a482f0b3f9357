/**
 * The local models that `fastrtc models` knows: a choice of those that sherpa-onnx publishes.
 *
 * Each name is that of the archive and of the folder in it. Any other archive of
 * https://github.com/k2-fsa/sherpa-onnx/releases works as well, unpacked by hand.
 */

/** One file to be downloaded. */
export interface CatalogFile {
  /** Below {@link CATALOG_URL}. A `.tar.bz2` is unpacked; any other file is put into the folder. */
  readonly path: string;
  /** Its size, where it is known exactly. */
  readonly bytes?: number;
  /**
   * Its checksum, where it is known: its publisher states none, and these are what several independent
   * projects found and pin.
   */
  readonly sha256?: string;
}

/** One model. */
export interface CatalogModel {
  /** Also the name of its folder. */
  readonly name: string;
  /** What it is for. */
  readonly kind: "stt" | "tts";
  /** What it is, in a few words. */
  readonly about: string;
  /** What it speaks or hears, as BCP 47 tags. */
  readonly languages: readonly string[];
  /** What is downloaded, in millions of bytes, rounded. */
  readonly megabytes: number;
  /** What its authors say of its use. */
  readonly licence: string;
  readonly files: readonly [CatalogFile, ...CatalogFile[]];
}

/** Where the models are published. */
export const CATALOG_URL = "https://github.com/k2-fsa/sherpa-onnx/releases/download";

/** The models. */
export const CATALOG: readonly CatalogModel[] = [
  {
    name: "sherpa-onnx-moonshine-tiny-en-int8",
    kind: "stt",
    about: "Moonshine tiny, the smallest that is useful",
    languages: ["en"],
    megabytes: 108,
    licence: "MIT",
    files: [
      {
        path: "asr-models/sherpa-onnx-moonshine-tiny-en-int8.tar.bz2",
        sha256: "d5fe6ec4334fef36255b2a4010412cad4c007e33103fec62fb5d17cad88086f2",
      },
    ],
  },
  {
    name: "sherpa-onnx-whisper-tiny.en",
    kind: "stt",
    about: "Whisper tiny",
    languages: ["en"],
    megabytes: 113,
    licence: "MIT",
    files: [{ path: "asr-models/sherpa-onnx-whisper-tiny.en.tar.bz2" }],
  },
  {
    name: "sherpa-onnx-streaming-zipformer-en-20M-2023-02-17",
    kind: "stt",
    about: "Zipformer, listens along",
    languages: ["en"],
    megabytes: 128,
    licence: "Apache-2.0",
    files: [
      {
        path: "asr-models/sherpa-onnx-streaming-zipformer-en-20M-2023-02-17.tar.bz2",
        sha256: "9c559283e8498d3fe95913c79ca1cb454bb26281ac2b102b41306c7d752765d9",
      },
    ],
  },
  {
    name: "sherpa-onnx-sense-voice-zh-en-ja-ko-yue-int8-2024-07-17",
    kind: "stt",
    about: "SenseVoice small",
    languages: ["zh", "yue", "en", "ja", "ko"],
    megabytes: 163,
    licence: "FunASR Model License 1.1",
    files: [
      {
        path: "asr-models/sherpa-onnx-sense-voice-zh-en-ja-ko-yue-int8-2024-07-17.tar.bz2",
        bytes: 163_002_883,
        sha256: "7d1efa2138a65b0b488df37f8b89e3d91a60676e416f515b952358d83dfd347e",
      },
    ],
  },
  {
    name: "vits-piper-en_US-amy-medium-int8",
    kind: "tts",
    about: "Piper, one voice, small and fast",
    languages: ["en"],
    megabytes: 21,
    licence: "see its MODEL_CARD",
    files: [
      {
        path: "tts-models/vits-piper-en_US-amy-medium-int8.tar.bz2",
        bytes: 21_028_122,
        sha256: "bd23c0aa629eb3719448582f45ede49e8fa6a679061fed5eab16a6a6fd8e7e82",
      },
    ],
  },
  {
    name: "kokoro-int8-en-v0_19",
    kind: "tts",
    about: "Kokoro, 11 voices, 8-bit",
    languages: ["en"],
    megabytes: 103,
    licence: "Apache-2.0",
    files: [
      {
        path: "tts-models/kokoro-int8-en-v0_19.tar.bz2",
        bytes: 103_248_205,
        sha256: "c9f0dd393615805b0bab050c340834d5e684e732aec91c0e860cd30e982c08bd",
      },
    ],
  },
  {
    name: "kokoro-en-v0_19",
    kind: "tts",
    about: "Kokoro, 11 voices",
    languages: ["en"],
    megabytes: 320,
    licence: "Apache-2.0",
    files: [
      {
        path: "tts-models/kokoro-en-v0_19.tar.bz2",
        bytes: 319_625_534,
        sha256: "912804855a04745fa77a30be545b3f9a5d15c4d66db00b88cbcd4921df605ac7",
      },
    ],
  },
  {
    name: "kokoro-int8-multi-lang-v1_1",
    kind: "tts",
    about: "Kokoro, 103 voices, 8-bit",
    languages: ["zh", "en"],
    megabytes: 147,
    licence: "Apache-2.0",
    files: [
      {
        path: "tts-models/kokoro-int8-multi-lang-v1_1.tar.bz2",
        bytes: 147_031_220,
        sha256: "a1e94694776049035c4f2c6529f003aaece993c76aae9a78995831c3c4dcafc6",
      },
    ],
  },
  {
    name: "matcha-icefall-en_US-ljspeech",
    kind: "tts",
    about: "Matcha, one voice, with its vocoder",
    languages: ["en"],
    megabytes: 124,
    licence: "see its README",
    files: [
      { path: "tts-models/matcha-icefall-en_US-ljspeech.tar.bz2" },
      { path: "vocoder-models/vocos-22khz-univ.onnx" },
    ],
  },
];

import { InvalidOptionError } from "../../errors.ts";
import { SherpaFiles } from "./sherpa-files.ts";
import type { SherpaTtsOptions, SherpaTtsType } from "./sherpa-tts-options.ts";

const TYPES: readonly SherpaTtsType[] = ["kokoro", "vits", "matcha"];

/**
 * Reads a voice's folder.
 *
 * @returns What sherpa is told.
 * @throws {@link InvalidOptionError} naming the file that is missing.
 */
export function readTtsConfig(options: SherpaTtsOptions): object {
  const files = new SherpaFiles(options.modelPath, options.quantized ?? true);
  const type = options.type ?? guessType(files);
  if (!TYPES.includes(type)) {
    throw new InvalidOptionError("type", type, `Give one of ${TYPES.join(", ")}.`);
  }
  return {
    model: {
      ...modelOf(type, files, options),
      numThreads: options.numThreads ?? 1,
      provider: options.provider ?? "cpu",
      debug: 0,
    },
    maxNumSentences: 1,
  };
}

function guessType(files: SherpaFiles): SherpaTtsType {
  if (files.has(/^voices\.bin$/)) return "kokoro";
  return /matcha/i.test(files.path) ? "matcha" : "vits";
}

function modelOf(type: SherpaTtsType, files: SherpaFiles, options: SherpaTtsOptions): object {
  const common = {
    tokens: files.find("list of tokens", /^tokens\.txt$/),
    dataDir: files.optional(/^espeak-ng-data$/),
  };
  switch (type) {
    case "kokoro":
      return {
        kokoro: {
          ...common,
          model: files.find("model", /^model.*\.onnx$/),
          voices: files.find("list of voices", /^voices\.bin$/),
          // Several of them for the models of several languages.
          lexicon: lexicons(files),
          ...(options.language === undefined ? {} : { lang: options.language }),
        },
      };
    case "vits":
      return {
        vits: {
          ...common,
          model: files.find("model", /\.onnx$/),
          lexicon: files.optional(/^lexicon\.txt$/),
        },
      };
    case "matcha":
      return {
        matcha: {
          ...common,
          acousticModel: files.find("acoustic model", /^model-steps.*\.onnx$/),
          vocoder: vocoder(files, options.vocoderPath),
          lexicon: files.optional(/^lexicon\.txt$/),
        },
      };
  }
}

function lexicons(files: SherpaFiles): string {
  return ["lexicon-us-en.txt", "lexicon-zh.txt"]
    .map((name) => files.optional(new RegExp(`^${name}$`)))
    .filter((path) => path !== "")
    .join(",");
}

function vocoder(files: SherpaFiles, given: string | URL | undefined): string {
  if (given === undefined) return files.find("vocoder", /^(vocos|hifigan).*\.onnx$/);
  return String(given);
}

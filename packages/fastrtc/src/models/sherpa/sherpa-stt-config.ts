import { InvalidOptionError } from "../../errors.ts";
import { SherpaFiles } from "./sherpa-files.ts";
import type { SherpaSttOptions, SherpaSttType } from "./sherpa-stt-options.ts";

/** What sherpa is told of a recognizer. */
export interface SherpaSttConfig {
  readonly type: SherpaSttType;
  readonly config: object;
}

const TYPES: readonly SherpaSttType[] = [
  "moonshine",
  "whisper",
  "sense-voice",
  "transducer",
  "streaming-transducer",
];

/**
 * Reads a model's folder.
 *
 * @throws {@link InvalidOptionError} naming the file that is missing.
 */
export function readSttConfig(options: SherpaSttOptions): SherpaSttConfig {
  const files = new SherpaFiles(options.modelPath, options.quantized ?? true);
  const type = options.type ?? guessType(files);
  if (!TYPES.includes(type)) {
    throw new InvalidOptionError("type", type, `Give one of ${TYPES.join(", ")}.`);
  }
  const modelConfig = {
    ...modelOf(type, files, options.language ?? ""),
    tokens: files.find("list of tokens", /tokens\.txt$/),
    numThreads: options.numThreads ?? 1,
    provider: options.provider ?? "cpu",
    debug: 0,
  };
  const featConfig = { sampleRate: 16_000, featureDim: 80 };
  return {
    type,
    config: {
      featConfig,
      modelConfig,
      ...(type === "streaming-transducer" ? { enableEndpoint: 1 } : {}),
    },
  };
}

function guessType(files: SherpaFiles): SherpaSttType {
  if (files.has(/^uncached_decode/)) return "moonshine";
  if (files.has(/joiner.*\.onnx$/)) {
    return files.path.includes("streaming") ? "streaming-transducer" : "transducer";
  }
  if (files.has(/encoder.*\.onnx$/) && files.has(/decoder.*\.onnx$/)) return "whisper";
  if (/sense-?voice/i.test(files.path)) return "sense-voice";
  throw new InvalidOptionError(
    "modelPath",
    files.path,
    `Its files do not tell what kind of model it is. Give type: ${TYPES.join(", ")}.`,
  );
}

function modelOf(type: SherpaSttType, files: SherpaFiles, language: string): object {
  switch (type) {
    case "moonshine":
      return {
        moonshine: {
          preprocessor: files.find("preprocessor", /^preprocess.*\.onnx$/),
          encoder: files.find("encoder", /^encode.*\.onnx$/),
          uncachedDecoder: files.find("uncached decoder", /^uncached_decode.*\.onnx$/),
          cachedDecoder: files.find("cached decoder", /^cached_decode.*\.onnx$/),
        },
      };
    case "whisper":
      return {
        whisper: {
          encoder: files.find("encoder", /encoder.*\.onnx$/),
          decoder: files.find("decoder", /decoder.*\.onnx$/),
          language,
          task: "transcribe",
        },
      };
    case "sense-voice":
      return {
        senseVoice: {
          model: files.find("model", /^model.*\.onnx$/),
          language: language || "auto",
          useInverseTextNormalization: 1,
        },
      };
    case "transducer":
    case "streaming-transducer":
      return {
        transducer: {
          encoder: files.find("encoder", /encoder.*\.onnx$/),
          decoder: files.find("decoder", /decoder.*\.onnx$/),
          joiner: files.find("joiner", /joiner.*\.onnx$/),
        },
      };
  }
}

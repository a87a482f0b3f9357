/**
 * The thread that runs smart-turn: computes the features of one turn, asks onnxruntime, answers.
 *
 * Both hold their thread for tens of milliseconds, which is why they do not run where packets are
 * sent. The thread that started this one sends one request at a time.
 */

import { parentPort } from "node:worker_threads";
import type { MessagePort } from "node:worker_threads";

import {
  SMART_TURN_BANDS,
  SMART_TURN_FRAMES,
  SMART_TURN_SAMPLES,
  SmartTurnFeatures,
} from "./smart-turn-features.ts";

/** What the worker is asked. */
export interface SmartTurnRequest {
  readonly id: number;
  readonly modelPath: string;
  /** 16 kHz mono; undefined asks for no more than that the model is ready. */
  readonly audio: Float32Array<ArrayBuffer> | undefined;
}

/** Which part of the work failed. */
export type SmartTurnFailure = "runtime" | "model" | "prediction";

/** What the worker answers. */
export type SmartTurnResponse =
  | { readonly id: number; readonly probability: number }
  | { readonly id: number; readonly failure: SmartTurnFailure; readonly reason: string };

// The little of onnxruntime-node that is used, so that our own types do not need it installed.
interface OnnxSession {
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  run(
    feeds: Record<string, unknown>,
  ): Promise<Record<string, { readonly data: ArrayLike<unknown> }>>;
}
interface OnnxRuntime {
  readonly InferenceSession: {
    create(path: string, options: Record<string, unknown>): Promise<OnnxSession>;
  };
  readonly Tensor: new (type: "float32", data: Float32Array, dims: readonly number[]) => unknown;
}

type Model = (audio: Float32Array) => Promise<number>;

const INPUT = "input_features";
const OUTPUT = "logits";
const SHAPE = [1, SMART_TURN_BANDS, SMART_TURN_FRAMES] as const;

class Failure extends Error {
  readonly kind: SmartTurnFailure;
  constructor(kind: SmartTurnFailure, cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause));
    this.kind = kind;
  }
}

const features = new SmartTurnFeatures();
const models = new Map<string, Promise<Model>>();

function modelAt(path: string): Promise<Model> {
  let model = models.get(path);
  if (!model) {
    model = load(path);
    models.set(path, model);
    // The file may be there when it is asked for again.
    model.catch(() => models.delete(path));
  }
  return model;
}

async function load(path: string): Promise<Model> {
  const runtime = await loadRuntime();
  const session = await loadSession(runtime, path);
  const model: Model = async (audio) => {
    const spectrogram = new runtime.Tensor("float32", features.extract(audio), SHAPE);
    const { [OUTPUT]: output } = await session.run({ [INPUT]: spectrogram });
    return Number(output?.data[0]);
  };
  // Twice: V8 optimises the features, and onnxruntime allocates, in the first runs.
  const silence = new Float32Array(SMART_TURN_SAMPLES);
  for (let run = 0; run < 2; run++) {
    const probability = await model(silence).catch((error: unknown) => {
      throw new Failure("model", error);
    });
    if (!(probability >= 0 && probability <= 1)) {
      throw new Failure("model", `Of silence it says ${probability}, which is no probability`);
    }
  }
  return model;
}

async function loadRuntime(): Promise<OnnxRuntime> {
  try {
    return await import("onnxruntime-node");
  } catch (error) {
    throw new Failure("runtime", error);
  }
}

async function loadSession(runtime: OnnxRuntime, path: string): Promise<OnnxSession> {
  let session: OnnxSession;
  try {
    session = await runtime.InferenceSession.create(path, {
      executionMode: "sequential",
      // The model is small: more threads are slower, and take the cores from the calls.
      intraOpNumThreads: 1,
      interOpNumThreads: 1,
      // Warnings about what the model's exporter left in it.
      logSeverityLevel: 3,
    });
  } catch (error) {
    throw new Failure("model", error);
  }
  const { inputNames, outputNames } = session;
  if (!inputNames.includes(INPUT) || !outputNames.includes(OUTPUT)) {
    const found = `${inputNames.join(", ")} -> ${outputNames.join(", ")}`;
    throw new Failure("model", `It maps ${found}, not ${INPUT} -> ${OUTPUT}`);
  }
  return session;
}

async function answer({ id, modelPath, audio }: SmartTurnRequest): Promise<SmartTurnResponse> {
  try {
    const model = await modelAt(modelPath);
    return { id, probability: audio ? await model(audio) : 0.5 };
  } catch (error) {
    const { kind, message } = error instanceof Failure ? error : new Failure("prediction", error);
    return { id, failure: kind, reason: message };
  }
}

function serve(port: MessagePort): void {
  port.on("message", (request: SmartTurnRequest) => {
    void answer(request).then((response) => {
      port.postMessage(response);
    });
  });
}

if (parentPort) serve(parentPort);

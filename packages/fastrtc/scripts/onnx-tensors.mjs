// Reads the float tensors (weights) out of an ONNX file. ONNX is Protocol Buffers, and of its
// schema these few fields are all we need, so there is no parser to install:
// https://github.com/onnx/onnx/blob/main/onnx/onnx.proto

const MODEL_GRAPH = 7;
const GRAPH_INITIALIZER = 5;
const TENSOR_DIMS = 1;
const TENSOR_DATA_TYPE = 2;
const TENSOR_NAME = 8;
const TENSOR_RAW_DATA = 9;
const DATA_TYPE_FLOAT = 1;

/**
 * Returns the graph's float initialisers by name.
 *
 * @param {Uint8Array} file - The whole ONNX file.
 * @returns {Map<string, { dims: number[], data: Float32Array }>}
 */
export function readOnnxTensors(file) {
  const graph = first(readFields(file), MODEL_GRAPH);
  if (!(graph instanceof Uint8Array)) throw new Error("This is no ONNX file: it has no graph.");

  const tensors = new Map();
  for (const { number, value } of readFields(graph)) {
    if (number !== GRAPH_INITIALIZER) continue;
    const fields = [...readFields(value)];
    if (first(fields, TENSOR_DATA_TYPE) !== DATA_TYPE_FLOAT) continue;
    const name = new TextDecoder().decode(first(fields, TENSOR_NAME));
    const raw = first(fields, TENSOR_RAW_DATA);
    if (raw === undefined) throw new Error(`Tensor ${name} has no raw data.`);
    const dims = fields.filter((field) => field.number === TENSOR_DIMS).map(({ value }) => value);
    tensors.set(name, { dims, data: toFloats(raw) });
  }
  return tensors;
}

function first(fields, number) {
  for (const field of fields) if (field.number === number) return field.value;
  return undefined;
}

// Copies, for a Float32Array must begin at a multiple of four and a field of the file need not.
// (Not with slice(): that of a Buffer does not copy.)
function toFloats(bytes) {
  return new Float32Array(Uint8Array.from(bytes).buffer);
}

/** Yields a message's fields: numbers for varints, bytes for what has a length. */
function* readFields(bytes) {
  let at = 0;

  const readVarint = () => {
    // Multiplied, not shifted: a shift would wrap at 32 bits.
    for (let value = 0, scale = 1; ; scale *= 128) {
      const byte = bytes[at++];
      if (byte === undefined) throw new Error("The ONNX file ends in the middle of a field.");
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
  };

  while (at < bytes.length) {
    const key = readVarint();
    const number = Math.floor(key / 8);
    switch (key & 7) {
      case 0:
        yield { number, value: readVarint() };
        break;
      case 1:
        at += 8;
        break;
      case 2: {
        const length = readVarint();
        yield { number, value: bytes.subarray(at, at + length) };
        at += length;
        break;
      }
      case 5:
        at += 4;
        break;
      default:
        throw new Error(`The ONNX file has a field of unknown wire type ${String(key & 7)}.`);
    }
  }
}

// Puts all constants of the voice activity kernel into one array, in the order of its memory map
// (kernel/memory.ts): the model's weights, sorted as they are read, then tables for the FFT.

const TAPS = 3;
const UNITS = 128;
const GATES = 4;
const FFT_SIZE = 256;

/**
 * @param {Map<string, { dims: number[], data: Float32Array }>} tensors - Of the 16 kHz model.
 * @returns {Float32Array}
 */
export function packSilero(tensors) {
  const get = (name, ...dims) => {
    const tensor = tensors.get(`model.${name}`);
    if (tensor?.dims.join() !== dims.join()) {
      throw new Error(
        `The model's tensor ${name} should be [${dims.join()}], but is [${String(tensor?.dims)}].`,
      );
    }
    return tensor.data;
  };
  const layer = (index, outputs, inputs) => ({
    weights: get(`encoder.${index}.reparam_conv.weight`, outputs, inputs, TAPS),
    bias: get(`encoder.${index}.reparam_conv.bias`, outputs),
    outputs,
    inputs,
  });
  const layers = [layer(0, 128, 129), layer(1, 64, 128), layer(2, 64, 64), layer(3, 128, 64)];

  const parts = [
    packByInput(layers[0], 8),
    layers[0].bias,
    packByInput(layers[1], 16),
    layers[1].bias,
    packByTap(layers[2], 32, [1, 2]),
    layers[2].bias,
    packByTap(layers[3], 32, [1]),
    layers[3].bias,
    packLstmWeights(
      get("decoder.rnn.weight_ih", GATES * UNITS, UNITS),
      get("decoder.rnn.weight_hh", GATES * UNITS, UNITS),
    ),
    packLstmBias(
      get("decoder.rnn.bias_ih", GATES * UNITS),
      get("decoder.rnn.bias_hh", GATES * UNITS),
    ),
    get("decoder.decoder.2.weight", 1, UNITS, 1),
    [...get("decoder.decoder.2.bias", 1), 0, 0, 0],
    hannWindow(),
    fftTwiddles(),
    joinTwiddles(),
  ];
  return Float32Array.from(parts.flatMap((part) => [...part]));
}

/** [outputs][inputs][taps] -> [blocks][inputs][taps][outputs of a block]. */
function packByInput({ weights, outputs, inputs }, blockSize) {
  const packed = [];
  for (let block = 0; block < outputs; block += blockSize) {
    for (let input = 0; input < inputs; input++) {
      for (let tap = 0; tap < TAPS; tap++) {
        for (let output = block; output < block + blockSize; output++) {
          packed.push(weights[(output * inputs + input) * TAPS + tap]);
        }
      }
    }
  }
  return packed;
}

/** [outputs][inputs][taps] -> [blocks][those taps that matter][inputs][outputs of a block]. */
function packByTap({ weights, outputs, inputs }, blockSize, taps) {
  const packed = [];
  for (let block = 0; block < outputs; block += blockSize) {
    for (const tap of taps) {
      for (let input = 0; input < inputs; input++) {
        for (let output = block; output < block + blockSize; output++) {
          packed.push(weights[(output * inputs + input) * TAPS + tap]);
        }
      }
    }
  }
  return packed;
}

/**
 * Two times [gates][units][inputs] -> [blocks of 8 units][256 inputs][2 halves][gates][4 units].
 * The gates stand in PyTorch's order: input, forget, update, output.
 */
function packLstmWeights(forFeatures, forHidden) {
  const packed = [];
  for (let block = 0; block < UNITS; block += 8) {
    for (const weights of [forFeatures, forHidden]) {
      for (let input = 0; input < UNITS; input++) {
        for (const half of [block, block + 4]) {
          for (let gate = 0; gate < GATES; gate++) {
            for (let unit = half; unit < half + 4; unit++) {
              packed.push(weights[(gate * UNITS + unit) * UNITS + input]);
            }
          }
        }
      }
    }
  }
  return packed;
}

/** Two times [gates][units] -> their sum as [groups of 4 units][gates][4 units]. */
function packLstmBias(forFeatures, forHidden) {
  const packed = [];
  for (let group = 0; group < UNITS; group += 4) {
    for (let gate = 0; gate < GATES; gate++) {
      for (let unit = group; unit < group + 4; unit++) {
        const index = gate * UNITS + unit;
        packed.push(forFeatures[index] + forHidden[index]);
      }
    }
  }
  return packed;
}

/** The window that is folded into the model's STFT basis (to 8e-8). */
function hannWindow() {
  return Array.from({ length: FFT_SIZE }, (_, n) => 0.5 - 0.5 * Math.cos(turn(n, FFT_SIZE)));
}

/** For each radix-4 stage of the complex FFT of 128: exp(-2πi · power · row / length). */
function fftTwiddles() {
  const factors = [];
  for (const length of [128, 32, 8]) {
    for (let row = 0; row < length / 4; row++) {
      for (const power of [1, 2, 3]) factors.push(...unitRoot(power * row, length));
    }
  }
  return factors;
}

function joinTwiddles() {
  return Array.from({ length: FFT_SIZE / 4 }, (_, k) => unitRoot(k, FFT_SIZE)).flat();
}

function unitRoot(step, steps) {
  return [Math.cos(turn(step, steps)), -Math.sin(turn(step, steps))];
}

function turn(step, steps) {
  return (2 * Math.PI * step) / steps;
}

// The kernel's memory map. There is no allocator: every array has a fixed address, in bytes, and
// every address is a multiple of 16. All numbers are 32-bit floats.
//
// `scripts/pack-silero.mjs` writes the constants in this very order; the build compares the sizes.

const F32: usize = 4;

// --- Constants: loaded once, never written by the kernel ---------------------------------------

/** Where the constants begin. Address 0 stays free, so that no array has a null address. */
export const CONSTANTS: usize = 1024;

// Weights stand in the order in which they are read, so that each is one sequential pass.

/** Layer 0: [16 blocks][129 inputs][3 taps][8 outputs]. */
export const LAYER0_WEIGHTS: usize = CONSTANTS;
export const LAYER0_BIAS: usize = LAYER0_WEIGHTS + 16 * 129 * 3 * 8 * F32;
/** Layer 1: [4 blocks][128 inputs][3 taps][16 outputs]. */
export const LAYER1_WEIGHTS: usize = LAYER0_BIAS + 128 * F32;
export const LAYER1_BIAS: usize = LAYER1_WEIGHTS + 4 * 128 * 3 * 16 * F32;
/** Layer 2: [2 blocks][taps 1 and 2][64 inputs][32 outputs]; tap 0 only ever meets padding. */
export const LAYER2_WEIGHTS: usize = LAYER1_BIAS + 64 * F32;
export const LAYER2_BIAS: usize = LAYER2_WEIGHTS + 2 * 2 * 64 * 32 * F32;
/** Layer 3: [4 blocks][64 inputs][32 outputs]; taps 0 and 2 only ever meet padding. */
export const LAYER3_WEIGHTS: usize = LAYER2_BIAS + 64 * F32;
export const LAYER3_BIAS: usize = LAYER3_WEIGHTS + 4 * 64 * 32 * F32;
/** LSTM: [16 blocks][256 inputs: features, then hidden][2 halves][gates i, f, g, o][4 units]. */
export const LSTM_WEIGHTS: usize = LAYER3_BIAS + 128 * F32;
/** The sum of both of the LSTM's biases: [32 groups][gates i, f, g, o][4 units]. */
export const LSTM_BIAS: usize = LSTM_WEIGHTS + 16 * 256 * 2 * 4 * 4 * F32;
/** Decoder: one weight a unit. */
export const DECODER_WEIGHTS: usize = LSTM_BIAS + 512 * F32;
/** One number and three of padding. */
export const DECODER_BIAS: usize = DECODER_WEIGHTS + 128 * F32;
/** The periodic Hann window. */
export const HANN: usize = DECODER_BIAS + 4 * F32;
/** For each radix-4 stage (32, 8 and 2 rows): the first, second and third power, as (re, im). */
export const FFT_TWIDDLES: usize = HANN + 256 * F32;
/** exp(-2πik/256) for k = 0..63, as (re, im): joins the halves of the real transform. */
export const JOIN_TWIDDLES: usize = FFT_TWIDDLES + (32 + 8 + 2) * 6 * F32;
const CONSTANTS_END: usize = JOIN_TWIDDLES + 64 * 2 * F32;
/** How many bytes of constants the kernel expects. */
export const CONSTANTS_SIZE: usize = CONSTANTS_END - CONSTANTS;

// --- One session's state, in one piece: the caller copies it in and out ------------------------

/** The LSTM's cell: 128. */
export const CELL: usize = CONSTANTS_END;
/** The LSTM's hidden units: 128. */
export const HIDDEN: usize = CELL + 128 * F32;
/** The last 64 samples of the previous window. Without them results are wrong, silently. */
export const CONTEXT: usize = HIDDEN + 128 * F32;
/** The new window: 512. It must follow the context, for the transform reads both as one array. */
export const SAMPLES: usize = CONTEXT + 64 * F32;

// --- Scratch, in the order of the network's stages ---------------------------------------------

/** The end of the window once more, mirrored: 64. It must follow the samples. */
export const PADDING: usize = SAMPLES + 512 * F32;
/** Two buffers for the FFT: [128 complex][re, im][4 frames]. */
export const SPECTRUM: usize = PADDING + 64 * F32;
export const SPECTRUM_SPARE: usize = SPECTRUM + 128 * 2 * 4 * F32;
/** [129 frequencies][4 frames]. */
export const MAGNITUDES: usize = SPECTRUM_SPARE + 128 * 2 * 4 * F32;
/** [4 frames][128 channels]. */
export const LAYER0_OUTPUT: usize = MAGNITUDES + 129 * 4 * F32;
/** [2 frames][64 channels]. */
export const LAYER1_OUTPUT: usize = LAYER0_OUTPUT + 4 * 128 * F32;
/** [64 channels]; one frame is left. */
export const LAYER2_OUTPUT: usize = LAYER1_OUTPUT + 2 * 64 * F32;
/** [128 channels]: what the LSTM reads. */
export const FEATURES: usize = LAYER2_OUTPUT + 64 * F32;
/** The hidden units of this step, while those of the last one are still being read: 128. */
export const NEXT_HIDDEN: usize = FEATURES + 128 * F32;
/** The LSTM's inputs that are not zero: each one's byte offset in a block of weights: 256. */
export const ACTIVE_OFFSETS: usize = NEXT_HIDDEN + 128 * F32;
/** And its value: 256. */
export const ACTIVE_VALUES: usize = ACTIVE_OFFSETS + 256 * F32;
/** The result: one number. */
export const PROBABILITY: usize = ACTIVE_VALUES + 256 * F32;

/**
 * Writes an ONNX model that has the inputs and outputs of smart-turn v3 and none of its knowledge:
 * the sigmoid of `scale * mean(features) + bias`. The real weights are not ours to ship, and what is
 * tested here is everything around them.
 *
 * ONNX is Protocol Buffers, and of its schema these few fields are all that such a model needs:
 * https://github.com/onnx/onnx/blob/main/onnx/onnx.proto
 */

/** How a tiny model differs from smart-turn v3's shape. */
export interface TinySmartTurnOptions {
  /** Name of the input. @defaultValue "input_features" */
  readonly input?: string;
  /** Name of the output. @defaultValue "logits" */
  readonly output?: string;
  /** Factor of the mean. @defaultValue 4 */
  readonly scale?: number;
  /** Added to the scaled mean. @defaultValue 0 */
  readonly bias?: number;
}

const FLOAT = 1;
const ATTRIBUTE_INT = 2;
const ATTRIBUTE_INTS = 7;

/** Returns the model's file. */
export function tinySmartTurn(options: TinySmartTurnOptions = {}): Uint8Array {
  const { input = "input_features", output = "logits", scale = 4, bias = 0 } = options;
  const graph = [
    ...bytes(1, node("ReduceMean", [input], "per_band", { axes: [2], keepdims: 0 })),
    ...bytes(1, node("ReduceMean", ["per_band"], "mean", { axes: [1], keepdims: 1 })),
    ...bytes(1, node("Mul", ["mean", "scale"], "scaled")),
    ...bytes(1, node("Add", ["scaled", "bias"], "shifted")),
    ...bytes(1, node("Sigmoid", ["shifted"], output)),
    ...text(2, "tiny_smart_turn"),
    ...bytes(5, scalar("scale", scale)),
    ...bytes(5, scalar("bias", bias)),
    ...bytes(11, valueInfo(input, [1, 80, 800])),
    ...bytes(12, valueInfo(output, [1, 1])),
  ];
  return Uint8Array.from([
    ...integer(1, 8), // ir_version
    ...bytes(8, [...text(1, ""), ...integer(2, 13)]), // opset_import
    ...bytes(7, graph),
  ]);
}

function node(
  operator: string,
  inputs: readonly string[],
  output: string,
  attributes: Readonly<Record<string, number | readonly number[]>> = {},
): number[] {
  return [
    ...inputs.flatMap((name) => text(1, name)),
    ...text(2, output),
    ...text(4, operator),
    ...Object.entries(attributes).flatMap(([name, value]) =>
      bytes(5, [
        ...text(1, name),
        ...(typeof value === "number"
          ? [...integer(3, value), ...integer(20, ATTRIBUTE_INT)]
          : [...value.flatMap((one) => integer(8, one)), ...integer(20, ATTRIBUTE_INTS)]),
      ]),
    ),
  ];
}

function scalar(name: string, value: number): number[] {
  const raw = new Uint8Array(new Float32Array([value]).buffer);
  return [...integer(1, 1), ...integer(2, FLOAT), ...text(8, name), ...bytes(9, [...raw])];
}

function valueInfo(name: string, shape: readonly number[]): number[] {
  const dimensions = shape.flatMap((size) => bytes(1, integer(1, size)));
  const tensor = [...integer(1, FLOAT), ...bytes(2, dimensions)];
  return [...text(1, name), ...bytes(2, bytes(1, tensor))];
}

function integer(field: number, value: number): number[] {
  return [...varint(field * 8), ...varint(value)];
}

function text(field: number, value: string): number[] {
  return bytes(field, [...new TextEncoder().encode(value)]);
}

function bytes(field: number, value: readonly number[]): number[] {
  return [...varint(field * 8 + 2), ...varint(value.length), ...value];
}

function varint(value: number): number[] {
  return value < 128 ? [value] : [(value % 128) + 128, ...varint(Math.floor(value / 128))];
}

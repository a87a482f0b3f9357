/**
 * The end-of-turn model smart-turn v3. Needs the package `onnxruntime-node` and the model's file,
 * which is why it is not part of the main entry.
 *
 * @packageDocumentation
 */

export { createSmartTurn } from "./turn/smart-turn.ts";
export type { SmartTurnModel, SmartTurnOptions } from "./turn/smart-turn.ts";
export type { EndOfTurnCall, EndOfTurnInput, EndOfTurnModel } from "./turn/end-of-turn.ts";

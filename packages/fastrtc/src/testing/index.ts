/**
 * Tools for tests of handlers: a clock that stands still, a transport without a network, recorded
 * speech.
 *
 * @packageDocumentation
 */

export { ManualClock } from "./manual-clock.ts";
export { MemoryTransport } from "./memory-transport.ts";
export type { MemoryTransportOptions } from "./memory-transport.ts";
export { listSpeech, loadSpeech } from "./speech.ts";
export type { SpeechFixture } from "./speech.ts";

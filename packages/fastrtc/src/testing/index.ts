/**
 * Tools for tests of handlers: whole conversations in virtual time, and their parts: a clock that
 * stands still, a transport without a network, recorded speech.
 *
 * @packageDocumentation
 */

export { ManualClock } from "./manual-clock.ts";
export { MemoryTransport } from "./memory-transport.ts";
export type { MemoryTransportOptions } from "./memory-transport.ts";
export { listSpeech, loadSpeech } from "./speech.ts";
export type { SpeechFixture } from "./speech.ts";

export { simulate } from "./simulate-conversation.ts";
export type {
  ConversationScript,
  ConversationSource,
  SimulationOptions,
} from "./simulate-conversation.ts";
export type { Caller } from "./caller.ts";
export type { Utterable } from "./synthetic-voice.ts";
export type { Conversation, ConversationLatencies } from "./conversation.ts";
export type { ConversationEvent } from "./conversation-log.ts";
export { ConversationError } from "./conversation-error.ts";
export type { EventPattern, Expectation, WithinLimit } from "./expectation.ts";
export type { HeardReply } from "./ear.ts";
export { holdTime, sleep } from "./virtual-time.ts";
export type { SleepOptions } from "./virtual-time.ts";

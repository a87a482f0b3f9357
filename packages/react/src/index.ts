/** A FastRTC session as a React hook. */

export { useFastRTC } from "./use-fastrtc.ts";
export type { UseFastRTCOptions, UseFastRTCResult } from "./use-fastrtc.ts";
export type {
  OutputEntry,
  SessionSnapshot,
  SessionStoreOptions,
  TurnLogEntry,
} from "./session-store.ts";
export type { SpokenText } from "@fastrtc/client";

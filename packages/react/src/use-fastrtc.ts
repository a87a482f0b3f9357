/**
 * The hook: options in with every render, one session's state and its controls out.
 *
 * Components call it; the work is done by a `SessionStore`, which outlives renders.
 */

import type { ClientInputs, FastRTCClient } from "@fastrtc/client";
import {
  useCallback,
  useEffect,
  useRef,
  useState,
  useSyncExternalStore,
  type RefObject,
} from "react";
import {
  INITIAL_SNAPSHOT,
  SessionStore,
  type SessionSnapshot,
  type SessionStoreOptions,
} from "./session-store.ts";

/** What {@link useFastRTC} takes; each `connect()` uses the options of the latest render. */
export type UseFastRTCOptions = Omit<SessionStoreOptions, "audioElement">;

/** What {@link useFastRTC} gives. The functions are the same ones in every render. */
export interface UseFastRTCResult extends SessionSnapshot {
  /** Starts a session. Never rejects: see `error`. */
  readonly connect: () => Promise<void>;
  /** Ends the session; unmounting does so too. */
  readonly disconnect: () => void;
  /** Mutes or unmutes the microphone. */
  readonly setMuted: (muted: boolean) => void;
  /** Sets the additional inputs. Rejects with `inputs-rejected` when the server's schema does. */
  readonly sendInputs: (inputs: ClientInputs) => Promise<void>;
  /** Sends a message to the handler. */
  readonly send: (message: unknown) => void;
  /** Plays after `playbackBlocked`; call it from a click. */
  readonly resumePlayback: () => Promise<void>;
  /**
   * Reads how loud the user is, 0 to 1. Call it from `requestAnimationFrame`: a state would render
   * the component sixty times a second.
   */
  readonly getInputLevel: () => number;
  /** Reads how loud the reply is, 0 to 1. */
  readonly getOutputLevel: () => number;
  /** Gives the client, for what this hook leaves out; undefined before the first session. */
  readonly getClient: () => FastRTCClient | undefined;
  /** For an `<audio>` of yours. Without one, replies are played all the same. */
  readonly audioRef: RefObject<HTMLAudioElement | null>;
}

/**
 * Talks with a FastRTC server for as long as the component is mounted.
 *
 * @example
 * ```tsx
 * function Call() {
 *   const { state, error, connect, disconnect } = useFastRTC({ url: "/voice" });
 *   return state === "connected" ? (
 *     <button onClick={disconnect}>Stop</button>
 *   ) : (
 *     <button onClick={connect}>{error?.message ?? "Start"}</button>
 *   );
 * }
 * ```
 */
export function useFastRTC(options: UseFastRTCOptions = {}): UseFastRTCResult {
  const [store] = useState(() => new SessionStore());
  const snapshot = useSyncExternalStore(store.subscribe, store.getSnapshot, () => INITIAL_SNAPSHOT);
  const audioRef = useRef<HTMLAudioElement>(null);
  const latestOptions = useRef(options);
  useEffect(() => {
    latestOptions.current = options;
  });
  useEffect(
    () => () => {
      store.close();
    },
    [store],
  );
  return {
    ...snapshot,
    connect: useCallback(() => {
      const audioElement = audioRef.current;
      return store.connect({
        ...latestOptions.current,
        ...(audioElement === null ? {} : { audioElement }),
      });
    }, [store]),
    disconnect: useCallback(() => {
      store.close();
    }, [store]),
    setMuted: useCallback(
      (muted: boolean) => {
        store.setMuted(muted);
      },
      [store],
    ),
    sendInputs: useCallback((inputs: ClientInputs) => store.sendInputs(inputs), [store]),
    send: useCallback(
      (message: unknown) => {
        store.send(message);
      },
      [store],
    ),
    resumePlayback: useCallback(() => store.resumePlayback(), [store]),
    getInputLevel: useCallback(() => store.client?.inputLevel ?? 0, [store]),
    getOutputLevel: useCallback(() => store.client?.outputLevel ?? 0, [store]),
    getClient: useCallback(() => store.client, [store]),
    audioRef,
  };
}

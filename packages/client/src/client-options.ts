import type { ClientConfig } from "@fastrtc/protocol";
import type { ClientInputs } from "./inputs.ts";

/** How a {@link FastRTCClient} connects. */
export interface FastRTCClientOptions {
  /**
   * Where the server is mounted, e.g. `https://example.com/voice`. A query is kept on every
   * request, so that session parameters can go with it.
   *
   * @defaultValue the page's own origin
   */
  readonly url?: string | URL;
  /**
   * Names the session. With a fixed one, only one session can live at a time.
   *
   * @defaultValue a fresh random UUID for each `connect()`
   */
  readonly webrtcId?: string;
  /**
   * What `GET {url}/config` would say. Give it to save that request.
   *
   * @defaultValue asked at the first `connect()`
   */
  readonly config?: ClientConfig;
  /**
   * ICE servers and the like.
   *
   * @defaultValue what the server's configuration says
   */
  readonly rtcConfiguration?: RTCConfiguration;
  /**
   * What the microphone should do. Without `echoCancellation` a reply from a loudspeaker is
   * heard as the user's own speech.
   *
   * @defaultValue what the server's configuration says
   */
  readonly trackConstraints?: MediaTrackConstraints;
  /**
   * The microphone to begin with.
   *
   * @defaultValue the browser's default
   */
  readonly deviceId?: string;
  /**
   * Where replies are played.
   *
   * @defaultValue an element that is not on the page
   */
  readonly audioElement?: HTMLAudioElement;
  /**
   * How additional outputs come: inside the session's data channel; as server-sent events from
   * `/outputs`, which Python's FastRTC needs, and which costs a second connection; or not at all.
   *
   * @defaultValue "channel"
   */
  readonly outputs?: "channel" | "sse" | "none";
  /**
   * Additional inputs to begin with; `sendInputs` replaces them.
   *
   * @defaultValue none
   */
  readonly inputs?: ClientInputs;
  /**
   * Milliseconds until a session that does not get through has failed. Lower tells the user
   * sooner, and gives up slow TURN relays.
   *
   * @defaultValue 30000
   */
  readonly connectTimeoutMs?: number;
  /**
   * Asks the server; for pages that sign their requests.
   *
   * @defaultValue `globalThis.fetch`
   */
  readonly fetch?: typeof fetch;
}

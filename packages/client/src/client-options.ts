import type { ClientConfig } from "@fastrtc/protocol";
import type { ClientInputs } from "./inputs.ts";

/** How audio goes over a WebSocket. */
export interface WebSocketOptions {
  /**
   * Rate in Hz of 16-bit samples, both ways; a browser that cannot record at it takes its own. Higher
   * sounds better: each kHz costs 16 kbit/s in each direction that speaks.
   *
   * @defaultValue 24000
   */
  readonly sampleRate?: number;
  /**
   * Rates in Hz that a FastRTC server's handler has as `input_sample_rate` and `output_sample_rate`;
   * its mu-law does not tell them.
   *
   * @defaultValue `{ input: 48000, output: 24000 }`
   */
  readonly fastrtcSampleRates?: { readonly input: number; readonly output: number };
  /**
   * Where the page serves a copy of `@fastrtc/client/audio-worklet`. Only for pages whose content
   * security policy does not let scripts come from `blob:`.
   *
   * @defaultValue made by the client itself
   */
  readonly workletUrl?: string | URL;
}

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
   * What the server's `params` schema describes; `connect()` may give others. A refusal is
   * `params-rejected`, with what is wrong field by field.
   *
   * @defaultValue none
   */
  readonly params?: unknown;
  /**
   * What carries the session. WebRTC waits for no lost packet, so that it answers soonest and stays
   * smooth on bad networks. A WebSocket gets through where UDP is blocked, costs more bandwidth, and
   * stutters when packets are lost.
   *
   * @defaultValue "webrtc"
   */
  readonly transport?: "webrtc" | "websocket";
  /** For `transport: "websocket"`. */
  readonly websocket?: WebSocketOptions;
  /**
   * Whether a session whose path is lost goes on with the next one, under the same id. Only with
   * servers that give a session token.
   *
   * @defaultValue true
   */
  readonly resume?: boolean;
  /**
   * Milliseconds that a lost path is sought for. Higher outlasts longer tunnels, if the server keeps
   * the session as long; lower tells the user sooner.
   *
   * @defaultValue 30000
   */
  readonly resumeTimeoutMs?: number;
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

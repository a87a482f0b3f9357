/** What `GET {path}/config` tells a client before it connects. */

/** How the built-in page looks and speaks. */
export interface PageTexts {
  readonly title: string;
  readonly subtitle: string;
}

/** Everything a client needs to offer a session. */
export interface ClientConfig {
  readonly modality: "audio" | "video" | "audio-video";
  readonly mode: "send-receive" | "send" | "receive";
  /** For the browser's `RTCPeerConnection` (W3C `RTCConfiguration`); null means its default. */
  readonly rtcConfiguration: Readonly<Record<string, unknown>> | null;
  /** For `getUserMedia` (W3C `MediaTrackConstraints`). */
  readonly trackConstraints: Readonly<Record<string, unknown>>;
  /** JSON Schema of the additional inputs; null when there are none. */
  readonly additionalInputs: Readonly<Record<string, unknown>> | null;
  /** JSON Schema of the session parameters; null when there are none, or no schema of them. */
  readonly params: Readonly<Record<string, unknown>> | null;
  /** Whether anybody may begin a session: the server authenticates nobody. */
  readonly isOpen: boolean;
  readonly page: PageTexts;
}

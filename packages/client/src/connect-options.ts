/** What one `connect()` may say besides the client's options. */
export interface ConnectOptions {
  /** Gives up; what was opened is closed again. */
  readonly signal?: AbortSignal;
  /**
   * Names the session.
   *
   * @defaultValue the client's `webrtcId`
   */
  readonly webrtcId?: string | undefined;
  /**
   * What carries this session. After `ice-failed`, a WebSocket may get through.
   *
   * @defaultValue the client's `transport`
   */
  readonly transport?: "webrtc" | "websocket" | undefined;
  /** The token of an earlier session of that `webrtcId`, which goes on then. */
  readonly sessionToken?: string | undefined;
  /**
   * The session's parameters.
   *
   * @defaultValue the client's `params`
   */
  readonly params?: unknown;
}

import {
  addReplyText,
  addTranscript,
  FastRTCClient,
  FastRTCClientError,
  type ClientInputs,
  type ClientState,
  type FastRTCClientOptions,
  type SpokenText,
  type TurnLog,
} from "@fastrtc/client";

/** A moment of a turn, as it came. */
export interface TurnLogEntry {
  /** Counts up from 0 in each session; a key for lists. */
  readonly id: number;
  readonly log: TurnLog;
  /** Milliseconds since 1970. */
  readonly timeMs: number;
}

/** One `AdditionalOutputs`, as it came. */
export interface OutputEntry {
  /** Counts up from 0 in each session; a key for lists. */
  readonly id: number;
  readonly values: readonly unknown[];
}

/** What a component sees; replaced, never changed. */
export interface SessionSnapshot {
  readonly state: ClientState;
  /** The newest error; undefined again when the next session starts. */
  readonly error: FastRTCClientError | undefined;
  readonly webrtcId: string | undefined;
  /** Resumes the session, with `webrtcId`: keep it like a password. */
  readonly sessionToken: string | undefined;
  /** Whether the session goes on with an earlier one. */
  readonly resumed: boolean;
  readonly muted: boolean;
  /** Whether the browser wants a click before it plays. */
  readonly playbackBlocked: boolean;
  /** Oldest first, at most `maxEntries`. */
  readonly outputs: readonly OutputEntry[];
  /** What was said, where the server tells; oldest first, at most `maxEntries`. */
  readonly texts: readonly SpokenText[];
  /** Oldest first, at most `maxEntries`. */
  readonly log: readonly TurnLogEntry[];
}

/** How many outputs, texts and log entries a session keeps, and how it connects. */
export interface SessionStoreOptions extends FastRTCClientOptions {
  /**
   * Outputs, texts and log entries to keep; the oldest go first. Higher keeps longer histories, and
   * renders longer lists.
   *
   * @defaultValue 100
   */
  readonly maxEntries?: number;
  /**
   * The token of an earlier session of `webrtcId`: the next `connect()` goes on with that one.
   *
   * @defaultValue none
   */
  readonly sessionToken?: string | undefined;
}

/** What there is before the first session, and on the server. */
export const INITIAL_SNAPSHOT: SessionSnapshot = {
  state: "idle",
  error: undefined,
  webrtcId: undefined,
  sessionToken: undefined,
  resumed: false,
  muted: false,
  playbackBlocked: false,
  outputs: [],
  texts: [],
  log: [],
};

/**
 * Holds one component's session between renders.
 *
 * Each `connect()` makes a client of the options of that moment, so that options may change with
 * every render. It survives being closed: React's StrictMode mounts everything twice.
 */
export class SessionStore {
  #snapshot = INITIAL_SNAPSHOT;
  #client: FastRTCClient | undefined;
  #connecting: Promise<void> | undefined;
  #inputs: ClientInputs | undefined;
  readonly #subscribers = new Set<() => void>();

  /** The current client, for what the hook leaves out; undefined before the first session. */
  get client(): FastRTCClient | undefined {
    return this.#client;
  }

  /** Calls `onChange` after each change; returns a function that unsubscribes. */
  readonly subscribe = (onChange: () => void): (() => void) => {
    this.#subscribers.add(onChange);
    return () => this.#subscribers.delete(onChange);
  };

  /** Gives what there is now; the same object until something changes. */
  readonly getSnapshot = (): SessionSnapshot => this.#snapshot;

  /**
   * Starts a session, or joins the one that is starting. Never rejects: what fails is in `error`.
   */
  connect(options: SessionStoreOptions): Promise<void> {
    if (this.#connecting !== undefined) return this.#connecting;
    const { state } = this.#snapshot;
    if (state === "connected" || state === "reconnecting") return Promise.resolve();
    const connecting = this.#connect(options).finally(() => {
      if (this.#connecting === connecting) this.#connecting = undefined;
    });
    this.#connecting = connecting;
    return connecting;
  }

  /** Ends the session, also one that is still connecting. */
  close(): void {
    this.#connecting = undefined;
    this.#client?.close();
  }

  /** Mutes or unmutes, now and in later sessions. */
  setMuted(muted: boolean): void {
    this.#client?.setMuted(muted);
    this.#update({ muted });
  }

  /** Sets the inputs, now and in later sessions. */
  async sendInputs(inputs: ClientInputs): Promise<void> {
    this.#inputs = inputs;
    await this.#client?.sendInputs(inputs);
  }

  /**
   * Sends a message to the handler.
   *
   * @throws {@link FastRTCClientError} `not-connected` without a connected session.
   */
  send(message: unknown): void {
    if (this.#client === undefined) {
      throw new FastRTCClientError("not-connected", "There is no connected session to send to.");
    }
    this.#client.send(message);
  }

  /** Plays after the browser wanted a click. */
  async resumePlayback(): Promise<void> {
    if ((await this.#client?.resumePlayback()) === true) this.#update({ playbackBlocked: false });
  }

  async #connect({
    maxEntries = 100,
    sessionToken,
    ...options
  }: SessionStoreOptions): Promise<void> {
    let client: FastRTCClient;
    try {
      client = new FastRTCClient(
        this.#inputs === undefined ? options : { ...options, inputs: this.#inputs },
      );
    } catch (error) {
      this.#update({
        state: "failed",
        error: new FastRTCClientError("unsupported", String(error), { cause: error }),
      });
      return;
    }
    client.setMuted(this.#snapshot.muted);
    this.#client = client;
    this.#update({ ...INITIAL_SNAPSHOT, muted: this.#snapshot.muted });
    this.#listen(client, maxEntries);
    // The error event tells the same, and an aborted connect() is none of the component's faults.
    await client.connect({ sessionToken }).catch(() => undefined);
  }

  #listen(client: FastRTCClient, maxEntries: number): void {
    // A client that was replaced may still be saying goodbye.
    const update = (read: () => Partial<SessionSnapshot>): void => {
      if (this.#client === client) this.#update(read());
    };
    let count = 0;
    client.on("state-changed", ({ state, resumed = this.#snapshot.resumed }) => {
      const { webrtcId, sessionToken } = client;
      update(() => ({ state, resumed, webrtcId, sessionToken }));
    });
    client.on("transcript", (transcript) => {
      update(() => ({
        texts: addTranscript(this.#snapshot.texts, transcript).slice(-maxEntries),
      }));
    });
    client.on("reply", (progress) => {
      update(() => ({ texts: addReplyText(this.#snapshot.texts, progress).slice(-maxEntries) }));
    });
    client.on("error", (error) => {
      update(() => ({ error }));
    });
    client.on("playback-blocked", () => {
      update(() => ({ playbackBlocked: true }));
    });
    client.on("output", (values) => {
      update(() => ({
        outputs: [...this.#snapshot.outputs, { id: count++, values }].slice(-maxEntries),
      }));
    });
    client.on("turn-log", (log) => {
      update(() => ({
        log: [...this.#snapshot.log, { id: count++, log, timeMs: Date.now() }].slice(-maxEntries),
      }));
    });
  }

  #update(change: Partial<SessionSnapshot>): void {
    this.#snapshot = { ...this.#snapshot, ...change };
    for (const onChange of [...this.#subscribers]) onChange();
  }
}

import { ReplyOnPause } from "../src/handler/reply-on-pause.ts";
import { silentLogger } from "../src/observe/logger.ts";
import { BackplaneHub } from "../src/session/backplane/backplane-hub.ts";
import { MemoryBackplane } from "../src/session/backplane/memory-backplane.ts";
import type { SessionContext } from "../src/session/context/session-context.ts";
import type { OpenedSession } from "../src/session/admission/session-host.ts";
import { checkStreamOptions } from "../src/stream-options.ts";
import type { AnyStreamOptions } from "../src/stream-options.ts";
import { StreamSessions } from "../src/stream-sessions.ts";
import { ManualClock } from "../src/testing/manual-clock.ts";
import { MemoryTransport } from "../src/testing/memory-transport.ts";
import { loudness } from "./memory-call.ts";

/** How a caller comes to a {@link MemoryServer}. */
export interface Visit {
  readonly token?: string;
  readonly params?: unknown;
  /** Whether the caller is told its token. @defaultValue true */
  readonly tellsToken?: boolean;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A session that a caller has opened. */
export interface Visitor extends OpenedSession {
  readonly transport: MemoryTransport;
  readonly context: SessionContext;
}

/** The sessions of a stream without a network; several servers may share a {@link BackplaneHub}. */
export class MemoryServer {
  readonly clock: ManualClock;
  readonly sessions: StreamSessions;
  readonly hub: BackplaneHub;
  readonly backplane: MemoryBackplane;
  /** How many transports were made. */
  transports = 0;

  constructor(
    options: Partial<AnyStreamOptions> = {},
    shared: { readonly clock?: ManualClock; readonly hub?: BackplaneHub } = {},
  ) {
    this.clock = shared.clock ?? new ManualClock();
    this.hub = shared.hub ?? new BackplaneHub({ clock: this.clock, logger: silentLogger });
    this.backplane = new MemoryBackplane({ hub: this.hub });
    const all: AnyStreamOptions = {
      handler: new ReplyOnPause(
        function* () {
          // Says nothing.
        },
        { model: loudness },
      ),
      modality: "audio",
      logger: silentLogger,
      backplane: this.backplane,
      advanced: { clock: this.clock },
      ...options,
    };
    this.sessions = new StreamSessions(all, checkStreamOptions(all));
  }

  /** Begins a session as an entry does, and connects it. */
  async visit(webrtcId: string, visit: Visit = {}): Promise<Visitor> {
    const { host } = this.sessions;
    const request = new Request("http://test/webrtc/offer", {
      method: "POST",
      headers: { ...visit.headers },
    });
    const earlier = { webrtcId, sessionToken: visit.token };
    const identity = await host.identify({ request, transport: "memory" }, earlier);
    const transport = new MemoryTransport({ sampleRate: 16_000 });
    const opened = await host.begin({
      identity,
      webrtcId,
      params: visit.params,
      sessionToken: visit.token,
      tellsToken: visit.tellsToken ?? true,
      createTransport: () => {
        this.transports++;
        return transport;
      },
    });
    transport.connect();
    return { ...opened, transport, context: opened.session.context };
  }
}

/** Lets promises that are ready run. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 5; i++) await new Promise((resolve) => setImmediate(resolve));
}

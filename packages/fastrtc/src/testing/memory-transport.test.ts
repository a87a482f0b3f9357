import { randomUUID } from "node:crypto";
import type { ServerMessage } from "@fastrtc/protocol";
import { isFastRTCError } from "../errors.ts";
import { failureOf } from "../http/failure.ts";
import type { FailureResponse } from "@fastrtc/protocol";
import { ConformanceRefusal } from "../../test/conformance-harness.ts";
import type { ConformanceClient, ConformanceServer } from "../../test/conformance-harness.ts";
import { conformanceSessions } from "../../test/conformance-sessions.ts";
import { describeTransport } from "../../test/transport-conformance.ts";
import type { SessionHost } from "../session/admission/session-host.ts";
import { ManualClock } from "./manual-clock.ts";
import { MemoryTransport } from "./memory-transport.ts";

const RATE = 48_000;
const request = new Request("http://test/");

const clock = new ManualClock();
const wait = (durationMs: number): Promise<void> => clock.advanceAsync(durationMs);

class MemoryClient implements ConformanceClient {
  readonly webrtcId: string;
  readonly sampleRate = RATE;
  readonly messages: readonly ServerMessage[];
  readonly #transport: MemoryTransport;

  constructor(webrtcId: string, transport: MemoryTransport) {
    this.webrtcId = webrtcId;
    this.messages = transport.messages;
    this.#transport = transport;
  }

  get flushes(): number {
    return this.#transport.clears;
  }

  get isClosed(): boolean {
    return this.#transport.isClosed;
  }

  heard(): Int16Array {
    return this.#transport.heard;
  }

  async say(samples: Int16Array): Promise<void> {
    for (let at = 0; at < samples.length; at += RATE / 50) {
      this.#transport.speak(samples.subarray(at, at + RATE / 50));
      await wait(20);
    }
  }

  sendText(text: string): void {
    this.#transport.sendText(text);
  }

  hangUp(): void {
    this.#transport.disconnect("remote");
  }

  vanish(): void {
    this.#transport.disconnect("lost");
  }
}

async function connect(host: SessionHost, webrtcId: string): Promise<MemoryTransport> {
  const transport = new MemoryTransport({ sampleRate: RATE });
  try {
    const identity = await host.identify({ request, transport: "memory" });
    const createTransport = (): MemoryTransport => transport;
    await host.begin({
      identity,
      webrtcId,
      params: undefined,
      sessionToken: undefined,
      tellsToken: false,
      createTransport,
    });
  } catch (error) {
    if (!isFastRTCError(error)) throw error;
    const { meta } = (await failureOf(error).json()) as FailureResponse;
    throw new ConformanceRefusal(meta.error);
  }
  transport.connect();
  return transport;
}

describeTransport("the transport without a network", {
  kind: "memory",
  cannot: { "leave-before-start": "a memory transport begins as soon as it is made" },
  wait,
  serve(options): Promise<ConformanceServer> {
    const sessions = conformanceSessions(options, clock);
    const transports = new Set<MemoryTransport>();
    return Promise.resolve({
      get sessionCount() {
        return sessions.registry.size;
      },
      get heldResources() {
        return [...transports].filter(({ isClosed }) => !isClosed).length;
      },
      async connect(webrtcId = randomUUID()) {
        const transport = await connect(sessions.host, webrtcId);
        transports.add(transport);
        return new MemoryClient(webrtcId, transport);
      },
      knockAndLeave: () => Promise.reject(new Error("It cannot.")),
      setInput: (webrtcId, ...values) =>
        sessions.operations.setInputs(webrtcId, values, "application"),
      close: () => sessions.close({ type: "update_connection", data: "closed" }),
    });
  },
});

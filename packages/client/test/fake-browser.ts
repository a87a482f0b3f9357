/**
 * Just enough of a browser for the client's tests: peer connections, microphones, a server.
 *
 * Tests move it by hand: nothing happens here by itself, and no time passes.
 */

import { vi } from "vitest";

/** The data channel that the client makes. */
export class FakeDataChannel {
  readyState: RTCDataChannelState = "connecting";
  readonly sent: string[] = [];
  onopen: (() => void) | null = null;
  onclose: (() => void) | null = null;
  onmessage: ((event: { data: unknown }) => void) | null = null;

  send(text: string): void {
    this.sent.push(text);
  }

  close(): void {
    this.readyState = "closed";
  }

  /** The server opens it. */
  open(): void {
    this.readyState = "open";
    this.onopen?.();
  }

  /** The server says something. */
  receive(message: unknown): void {
    this.onmessage?.({ data: typeof message === "string" ? message : JSON.stringify(message) });
  }

  /** The server closes it. */
  hangUp(): void {
    this.readyState = "closed";
    this.onclose?.();
  }
}

/** Records what the client asks of it; a test decides what comes of it. */
export class FakePeerConnection {
  static readonly all: FakePeerConnection[] = [];
  /** The newest. */
  static get last(): FakePeerConnection {
    const last = FakePeerConnection.all.at(-1);
    if (last === undefined) throw new Error("The client has made no peer connection.");
    return last;
  }

  connectionState: RTCPeerConnectionState = "new";
  readonly configuration: RTCConfiguration | undefined;
  readonly channel = new FakeDataChannel();
  readonly directions: string[] = [];
  readonly sentTracks: unknown[] = [];
  readonly remoteDescriptions: RTCSessionDescriptionInit[] = [];
  offers = 0;
  ontrack: ((event: unknown) => void) | null = null;
  onicecandidate: ((event: unknown) => void) | null = null;
  onconnectionstatechange: (() => void) | null = null;

  constructor(configuration?: RTCConfiguration) {
    this.configuration = configuration;
    FakePeerConnection.all.push(this);
  }

  createDataChannel(): FakeDataChannel {
    return this.channel;
  }

  addTransceiver(track: unknown, init: RTCRtpTransceiverInit): unknown {
    this.directions.push(init.direction ?? "sendrecv");
    if (typeof track !== "string") this.sentTracks.push(track);
    return {
      sender: {
        replaceTrack: (next: unknown) => {
          this.sentTracks.push(next);
          return Promise.resolve();
        },
      },
    };
  }

  createOffer(options?: RTCOfferOptions): Promise<RTCSessionDescriptionInit> {
    this.offers += 1;
    const sdp = `offer ${this.offers}${options?.iceRestart === true ? " restart" : ""}`;
    return Promise.resolve({ type: "offer", sdp });
  }

  setLocalDescription(): Promise<void> {
    return Promise.resolve();
  }

  setRemoteDescription(description: RTCSessionDescriptionInit): Promise<void> {
    this.remoteDescriptions.push(description);
    return Promise.resolve();
  }

  getStats(): Promise<Map<string, unknown>> {
    return Promise.resolve(new Map<string, unknown>());
  }

  close(): void {
    this.connectionState = "closed";
  }

  /** The path comes, goes or fails. */
  move(state: RTCPeerConnectionState): void {
    this.connectionState = state;
    this.onconnectionstatechange?.();
  }

  /** The browser finds a candidate, or has found all. */
  find(candidate: string | null): void {
    this.onicecandidate?.({
      candidate:
        candidate === null
          ? null
          : { toJSON: () => ({ candidate, sdpMid: "0", sdpMLineIndex: 0 }) },
    });
  }

  /** All goes well. */
  connect(): void {
    this.move("connected");
    this.channel.open();
  }
}

/** One microphone track. */
export class FakeTrack {
  enabled = true;
  isStopped = false;
  onended: (() => void) | null = null;

  stop(): void {
    this.isStopped = true;
  }
}

/** Gives microphones, or refuses them. */
export class FakeMicrophones {
  readonly tracks: FakeTrack[] = [];
  readonly asked: MediaStreamConstraints[] = [];
  /** Refuses with this name. */
  refusal: string | undefined;
  /** Holds the user's answer back until it resolves. */
  answer: Promise<void> = Promise.resolve();

  readonly getUserMedia = async (constraints: MediaStreamConstraints): Promise<unknown> => {
    this.asked.push(constraints);
    await this.answer;
    if (this.refusal !== undefined) throw new DOMException("refused", this.refusal);
    const track = new FakeTrack();
    this.tracks.push(track);
    return { active: true, getTracks: () => [track], getAudioTracks: () => [track] };
  };
}

/** A server by hand: routes to functions that answer. */
export class FakeServer {
  readonly requests: { readonly route: string; readonly body: Record<string, unknown> }[] = [];
  readonly routes = new Map<
    string,
    (body: Record<string, unknown>) => Response | Promise<Response>
  >();

  constructor() {
    this.routes.set("/webrtc/offer", (body) =>
      Response.json(
        body["type"] === "offer" ? { type: "answer", sdp: "answer" } : { status: "success" },
      ),
    );
    this.routes.set("/input_hook", () => Response.json({ status: "success" }));
  }

  readonly fetch: typeof fetch = async (input, init) => {
    init?.signal?.throwIfAborted();
    const route = new URL(input instanceof Request ? input.url : input).pathname;
    const body =
      typeof init?.body === "string" ? (JSON.parse(init.body) as Record<string, unknown>) : {};
    this.requests.push({ route, body });
    const answer = this.routes.get(route);
    if (answer === undefined) return new Response("not found", { status: 404 });
    const signal = init?.signal;
    return Promise.race([
      Promise.resolve(answer(body)),
      new Promise<never>((_, reject) => {
        signal?.addEventListener("abort", () => {
          reject(signal.reason as Error);
        });
      }),
    ]);
  };

  /** The bodies that came to one route. */
  bodies(route: string): Record<string, unknown>[] {
    return this.requests.filter((request) => request.route === route).map(({ body }) => body);
  }
}

/** Puts the fakes in the browser's place; `vi.unstubAllGlobals()` takes them away. */
export function installFakeBrowser(): FakeMicrophones {
  const microphones = new FakeMicrophones();
  FakePeerConnection.all.length = 0;
  vi.stubGlobal("RTCPeerConnection", FakePeerConnection);
  vi.stubGlobal("navigator", { mediaDevices: microphones });
  vi.stubGlobal(
    "Audio",
    class {
      srcObject: unknown = null;
      play(): Promise<void> {
        return Promise.resolve();
      }
      pause(): void {
        this.srcObject = null;
      }
    },
  );
  return microphones;
}

/** Lets everything run that waits for nothing but its turn. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 50; turn += 1) await Promise.resolve();
}

/**
 * A browser client in the shape of the pages that come with Python's FastRTC, and knowing of our
 * protocol only what they know: `POST webrtc/offer`, the data channel "text", `POST input_hook`, and
 * `GET outputs` as an event source. Tests put it into empty pages.
 */

import type { Page } from "playwright-core";

/** How a client connects; the three ways of FastRTC's pages. */
export interface FastRTCClientOptions {
  /** Where the stream is mounted, with a slash at the end. */
  readonly url: string;
  readonly webrtcId: string;
  /**
   * "complete" waits for all candidates and offers then; "trickle" offers at once and posts each
   * candidate when it is found, whether or not the answer is there; "none" sends no candidate ever.
   */
  readonly candidates: "complete" | "trickle" | "none";
  /** Whether outputs are read as server-sent events. */
  readonly outputs: boolean;
  /** What is posted beside the id when the server asks for inputs. */
  readonly inputs?: Readonly<Record<string, unknown>>;
  /** Speaks this instead of the microphone: 16-bit samples at 48 kHz in base64, over and over. */
  readonly speech?: string;
}

/** What a client knows of its session. */
export interface FastRTCClientView {
  readonly state: RTCPeerConnectionState;
  readonly channel: RTCDataChannelState;
  /** Messages of the data channel, parsed. */
  readonly messages: readonly Readonly<Record<string, unknown>>[];
  /** `data` of each `output` event, parsed. */
  readonly outputs: readonly unknown[];
  /** What the server answered to offer, candidates and inputs. */
  readonly replies: readonly ServerReply[];
  /** The candidate lines that were posted. */
  readonly posted: readonly string[];
}

/** One answer of the server's. */
export interface ServerReply {
  readonly to: "offer" | "ice-candidate" | "input_hook";
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

interface InPage {
  connect(options: FastRTCClientOptions): Promise<ServerReply>;
  view(webrtcId: string): FastRTCClientView;
  hangUp(webrtcId: string): void;
}

/** What is put into the page. */
declare const fastrtcClients: InPage;

/** Drives the clients of one page. */
export class FastRTCPage {
  readonly #page: Page;

  private constructor(page: Page) {
    this.#page = page;
  }

  /** Puts the client into a page; call it before the page is opened. */
  static async install(page: Page): Promise<FastRTCPage> {
    await page.addInitScript(installClients);
    return new FastRTCPage(page);
  }

  /** Offers a session; returns what the server answered. */
  connect(options: FastRTCClientOptions): Promise<ServerReply> {
    return this.#page.evaluate((given) => fastrtcClients.connect(given), options);
  }

  /** Reads what a client knows. */
  view(webrtcId: string): Promise<FastRTCClientView> {
    return this.#page.evaluate((id) => fastrtcClients.view(id), webrtcId);
  }

  /** Ends a session. */
  hangUp(webrtcId: string): Promise<void> {
    return this.#page.evaluate((id) => {
      fastrtcClients.hangUp(id);
    }, webrtcId);
  }
}

// Runs in the page, so it must not refer to anything outside itself.
function installClients(): void {
  interface Client {
    readonly connection: RTCPeerConnection;
    readonly channel: RTCDataChannel;
    readonly messages: Record<string, unknown>[];
    readonly outputs: unknown[];
    readonly replies: ServerReply[];
    readonly posted: string[];
    events?: EventSource;
  }
  const clients = new Map<string, Client>();
  let audioContext: AudioContext | undefined;

  const post = async (
    client: Client,
    to: ServerReply["to"],
    url: string,
    body: Record<string, unknown>,
  ): Promise<ServerReply> => {
    const response = await fetch(url, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
    const reply = { to, status: response.status, body: (await response.json()) as never };
    client.replies.push(reply);
    return reply;
  };

  const firstTrack = (stream: MediaStream): MediaStreamTrack => {
    const [track] = stream.getAudioTracks();
    if (!track) throw new Error("There is no audio.");
    return track;
  };

  const microphoneTrack = async (speech: string | undefined): Promise<MediaStreamTrack> => {
    if (speech === undefined) {
      const stream = await navigator.mediaDevices.getUserMedia({ audio: true });
      return firstTrack(stream);
    }
    const samples = new Int16Array(Uint8Array.from(atob(speech), (c) => c.charCodeAt(0)).buffer);
    audioContext ??= new AudioContext({ sampleRate: 48_000 });
    await audioContext.resume();
    const buffer = audioContext.createBuffer(1, samples.length, 48_000);
    buffer.copyToChannel(
      Float32Array.from(samples, (value) => value / 32_768),
      0,
    );
    const source = new AudioBufferSourceNode(audioContext, { buffer, loop: true });
    const destination = audioContext.createMediaStreamDestination();
    source.connect(destination);
    source.start();
    return firstTrack(destination.stream);
  };

  const connect = async (options: FastRTCClientOptions): Promise<ServerReply> => {
    const { url, webrtcId } = options;
    const connection = new RTCPeerConnection();
    const track = await microphoneTrack(options.speech);
    connection.addTrack(track, new MediaStream([track]));
    // Sound that nobody plays is not decoded.
    connection.addEventListener("track", ({ track: received }) => {
      const audio = new Audio();
      audio.srcObject = new MediaStream([received]);
      void audio.play().catch(() => undefined);
    });
    const channel = connection.createDataChannel("text");
    const client: Client = {
      connection,
      channel,
      messages: [],
      outputs: [],
      replies: [],
      posted: [],
    };
    clients.set(webrtcId, client);
    channel.onmessage = ({ data }) => {
      const message = JSON.parse(data as string) as Record<string, unknown>;
      client.messages.push(message);
      if (message["type"] === "send_input") {
        void post(client, "input_hook", `${url}input_hook`, {
          webrtc_id: webrtcId,
          ...options.inputs,
        });
      }
    };
    if (options.candidates === "trickle") {
      connection.onicecandidate = ({ candidate }) => {
        // Firefox ends with an empty candidate, which these pages post like any other.
        const found = candidate?.toJSON() ?? { candidate: "", sdpMid: "0", sdpMLineIndex: 0 };
        client.posted.push(found.candidate ?? "");
        void post(client, "ice-candidate", `${url}webrtc/offer`, {
          candidate: found,
          webrtc_id: webrtcId,
          type: "ice-candidate",
        });
      };
    }
    await connection.setLocalDescription(await connection.createOffer());
    if (options.candidates === "complete") {
      await new Promise<void>((resolve) => {
        const check = (): void => {
          if (connection.iceGatheringState === "complete") resolve();
        };
        connection.addEventListener("icegatheringstatechange", check);
        check();
      });
    }
    let sdp = connection.localDescription?.sdp ?? "";
    if (options.candidates === "none") sdp = sdp.replaceAll(/^a=candidate:.*\r\n/gm, "");
    const reply = await post(client, "offer", `${url}webrtc/offer`, {
      sdp,
      type: "offer",
      webrtc_id: webrtcId,
    });
    if (reply.body["status"] === "failed") {
      connection.close();
      return reply;
    }
    await connection.setRemoteDescription(reply.body as unknown as RTCSessionDescriptionInit);
    if (options.outputs) {
      client.events = new EventSource(`${url}outputs?webrtc_id=${webrtcId}`);
      client.events.addEventListener("output", ({ data }: MessageEvent<string>) => {
        client.outputs.push(JSON.parse(data));
      });
    }
    return reply;
  };

  const find = (webrtcId: string): Client => {
    const client = clients.get(webrtcId);
    if (!client) throw new Error(`No client is called ${webrtcId}.`);
    return client;
  };

  const inPage: InPage = {
    connect,
    view: (webrtcId) => {
      const { connection, channel, messages, outputs, replies, posted } = find(webrtcId);
      return {
        state: connection.connectionState,
        channel: channel.readyState,
        messages,
        outputs,
        replies,
        posted,
      };
    },
    hangUp: (webrtcId) => {
      const { connection, channel, events } = find(webrtcId);
      events?.close();
      channel.close();
      connection.close();
    },
  };
  Object.assign(window, { fastrtcClients: inPage });
}

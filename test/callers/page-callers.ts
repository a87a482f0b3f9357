/**
 * Callers in Chromium, with a microphone that speaks when a test wants it to: our client over WebRTC or a
 * WebSocket, and the stock client of the OpenAI Realtime API over WebRTC.
 */

import { createRequire } from "node:module";
import path from "node:path";
import type { FastRTCClient } from "@fastrtc/client";
import { AudioFrame } from "fastrtc";
import type { Page } from "playwright-core";
import { bundleClient } from "../browser/client-bundle.ts";
import type { Caller, PlayedPiece } from "./caller.ts";

// The bundle for browsers that comes in its npm package.
const REALTIME_BUNDLE = path.join(
  path.dirname(createRequire(import.meta.url).resolve("@openai/agents-realtime")),
  "bundle/openai-realtime-agents.umd.js",
);

interface InPage {
  readonly microphone: MediaStream;
  resume(): Promise<void>;
  listen(played: MediaStream): void;
  say(base64: string, sampleRate: number): Promise<number>;
  played(sinceMs: number): PlayedPiece[];
  heard(sinceMs: number): { readonly base64: string; readonly sampleRate: number };
}

/** What is put into the page. */
declare const caller: InPage;
declare const FastRTC: { readonly FastRTCClient: typeof FastRTCClient };
declare const OpenAIAgentsRealtime: {
  readonly RealtimeAgent: new (options: object) => object;
  readonly RealtimeSession: new (agent: object, options: object) => RealtimeSessionLike;
  readonly OpenAIRealtimeWebRTC: new (options: object) => object;
};
interface RealtimeSessionLike {
  readonly transport: { on(type: string, listener: (event: { type: string }) => void): void };
  connect(options: object): Promise<void>;
  close(): void;
}

/** Calls with our client. */
export async function callByClient(
  page: Page,
  url: string,
  transport: "webrtc" | "websocket",
): Promise<Caller> {
  await open(page, url);
  await page.addScriptTag({ content: await bundleClient() });
  await page.evaluate(async (way) => {
    const client = new FastRTC.FastRTCClient({ transport: way });
    client.on("stream-received", (stream) => {
      caller.listen(stream);
    });
    Object.assign(window, {
      hangUp: () => {
        client.close();
      },
    });
    await caller.resume();
    await client.connect();
  }, transport);
  return callerIn(page, () => Promise.resolve(undefined));
}

/** Calls with the stock client of the OpenAI Realtime API. */
export async function callByRealtimeClient(page: Page, url: string): Promise<Caller> {
  await open(page, url);
  await page.addScriptTag({ path: REALTIME_BUNDLE });
  await page.evaluate(async (server) => {
    const { RealtimeAgent, RealtimeSession, OpenAIRealtimeWebRTC } = OpenAIAgentsRealtime;
    const transport = new OpenAIRealtimeWebRTC({
      mediaStream: caller.microphone,
      useInsecureApiKey: true,
      changePeerConnection: (connection: RTCPeerConnection) => {
        connection.addEventListener("track", ({ track }) => {
          caller.listen(new MediaStream([track]));
        });
        return connection;
      },
    });
    const agent = new RealtimeAgent({ name: "caller", instructions: "Be brief." });
    const session = new RealtimeSession(agent, { transport, model: "m" });
    const state = { flushes: 0 };
    session.transport.on("*", ({ type }) => {
      if (type === "output_audio_buffer.cleared") state.flushes++;
    });
    Object.assign(window, {
      realtime: state,
      hangUp: () => {
        session.close();
      },
    });
    await caller.resume();
    await session.connect({ apiKey: "key", url: `${server}v1/realtime/calls?model=m` });
  }, url);
  return callerIn(page, () =>
    page.evaluate(() => (window as unknown as { realtime: { flushes: number } }).realtime.flushes),
  );
}

async function open(page: Page, url: string): Promise<void> {
  await page.addInitScript(installCaller);
  // Any page of the server's origin will do, also the one that says that there is none.
  await page.goto(`${url}nothing`);
}

function callerIn(page: Page, flushes: Caller["flushes"]): Caller {
  return {
    say: (sound) =>
      page.evaluate(({ base64, sampleRate }) => caller.say(base64, sampleRate), {
        base64: Buffer.from(sound.toBytes()).toString("base64"),
        sampleRate: sound.sampleRate,
      }),
    played: (sinceMs) => page.evaluate((since) => caller.played(since), sinceMs),
    heard: async (sinceMs) => {
      const { base64, sampleRate } = await page.evaluate((since) => caller.heard(since), sinceMs);
      return AudioFrame.fromBytes(Buffer.from(base64, "base64"), sampleRate);
    },
    flushes,
    hangUp: () =>
      page.evaluate(() => {
        (window as unknown as { hangUp(): void }).hangUp();
      }),
  };
}

// TypeScript's DOM does not have the W3C's MediaStreamTrackProcessor yet.
interface AudioDataLike {
  readonly numberOfFrames: number;
  readonly sampleRate: number;
  copyTo(target: Float32Array, options: { planeIndex: number; format: "f32-planar" }): void;
  close(): void;
}
type TrackProcessor = new (options: { track: MediaStreamTrack; maxBufferSize: number }) => {
  readonly readable: ReadableStream<AudioDataLike>;
};

// Runs in the page, so it must not refer to anything outside itself.
function installCaller(): void {
  interface Recorded extends PlayedPiece {
    readonly samples: Int16Array;
    readonly sampleRate: number;
  }
  const spoken: Recorded[] = [];
  const heard: Recorded[] = [];
  const context = new AudioContext({ sampleRate: 48_000 });
  const destination = new MediaStreamAudioDestinationNode(context, { channelCount: 1 });
  const microphone = destination.stream;
  navigator.mediaDevices.getUserMedia = () => Promise.resolve(microphone.clone());
  const { MediaStreamTrackProcessor } = window as unknown as {
    MediaStreamTrackProcessor: TrackProcessor;
  };

  const record = async (stream: MediaStream, pieces: Recorded[]): Promise<void> => {
    const [track] = stream.getAudioTracks();
    if (!track) throw new Error("There is no audio.");
    // Ten seconds: a page that is busy for a moment must not lose sound.
    const reader = new MediaStreamTrackProcessor({
      track,
      maxBufferSize: 1000,
    }).readable.getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      const atMs = performance.now();
      const { numberOfFrames, sampleRate } = value;
      const plane = new Float32Array(numberOfFrames);
      value.copyTo(plane, { planeIndex: 0, format: "f32-planar" });
      value.close();
      const energy = plane.reduce((sum, sample) => sum + sample ** 2, 0);
      pieces.push({
        atMs,
        durationMs: (1000 * numberOfFrames) / sampleRate,
        level: Math.sqrt(energy / numberOfFrames),
        samples: Int16Array.from(plane, (sample) => sample * 32_767),
        sampleRate,
      });
    }
  };
  void record(microphone, spoken);

  const say = async (base64: string, sampleRate: number): Promise<number> => {
    const samples = new Int16Array(Uint8Array.from(atob(base64), (c) => c.charCodeAt(0)).buffer);
    const buffer = new AudioBuffer({ length: samples.length, sampleRate });
    buffer.copyToChannel(
      Float32Array.from(samples, (value) => value / 32_768),
      0,
    );
    const source = new AudioBufferSourceNode(context, { buffer });
    source.connect(destination);
    const from = spoken.length;
    source.start();
    await new Promise((resolve) => source.addEventListener("ended", resolve));
    // Between sounds the microphone is digitally silent.
    const first = spoken.slice(from).find(({ level }) => level > 0);
    if (!first) throw new Error("The microphone heard nothing.");
    return first.atMs;
  };

  const inPage: InPage = {
    microphone,
    resume: () => context.resume(),
    listen: (played) => void record(played, heard),
    say,
    played: (sinceMs) =>
      heard
        .filter(({ atMs }) => atMs >= sinceMs)
        .map(({ atMs, durationMs, level }) => ({ atMs, durationMs, level })),
    heard: (sinceMs) => {
      const pieces = heard.filter(({ atMs }) => atMs >= sinceMs);
      let binary = "";
      for (const { samples } of pieces) {
        binary += String.fromCharCode(...new Uint8Array(samples.buffer));
      }
      return { base64: btoa(binary), sampleRate: pieces[0]?.sampleRate ?? 48_000 };
    },
  };
  Object.assign(window, { caller: inPage });
}

/**
 * A browser client whose microphone a test speaks into when it wants to, and whose sounds, sent and
 * received, are timed with one clock: the page's, at the moment at which the page gets each 10 ms of a
 * track. So what is measured includes everything between: encoders, network, server, jitter buffer.
 */

import { parseServerMessage } from "@fastrtc/protocol";
import type { ServerMessage } from "@fastrtc/protocol";
import type { AudioFrame } from "fastrtc";
import type { Page } from "playwright-core";

/** When a sound began and ended, in milliseconds of the page's clock. */
export interface SoundTimes {
  readonly startMs: number;
  readonly endMs: number;
}

/** A piece of a track, mostly 10 ms long. */
export interface MeteredPiece {
  /** When the page got it, in milliseconds of the page's clock. */
  readonly atMs: number;
  readonly durationMs: number;
  /** Root mean square, 0 to 1. */
  readonly level: number;
}

interface InPage {
  connect(url: string, webrtcId: string): Promise<void>;
  speak(base64: string, sampleRate: number): Promise<SoundTimes>;
  received(sinceMs: number): MeteredPiece[];
  messages(): string[];
}

/** What is put into the page. */
declare const speaking: InPage;

const STEP_MS = 20;

/** A page with one session. */
export class SpeakingPage {
  readonly #page: Page;

  private constructor(page: Page) {
    this.#page = page;
  }

  /** Opens the page at `url`, and a session with the stream that is mounted there. */
  static async connect(page: Page, url: string, webrtcId = "speaker"): Promise<SpeakingPage> {
    await page.addInitScript(installSpeaking);
    await page.goto(url);
    await page.evaluate((id) => speaking.connect("", id), webrtcId);
    return new SpeakingPage(page);
  }

  /** Speaks, and returns when the microphone heard it; resolves a second after the last sound. */
  speak(frame: AudioFrame): Promise<SoundTimes> {
    const spoken = {
      base64: Buffer.from(frame.toBytes()).toString("base64"),
      sampleRate: frame.sampleRate,
    };
    return this.#page.evaluate(
      ({ base64, sampleRate }) => speaking.speak(base64, sampleRate),
      spoken,
    );
  }

  /** Returns what has been received since a moment. */
  received(sinceMs: number): Promise<MeteredPiece[]> {
    return this.#page.evaluate((since) => speaking.received(since), sinceMs);
  }

  /** Returns what the server has said on the data channel so far. */
  async messages(): Promise<ServerMessage[]> {
    const texts = await this.#page.evaluate(() => speaking.messages());
    return texts.flatMap((text) => parseServerMessage(text) ?? []);
  }

  /** The page's clock. */
  now(): Promise<number> {
    return this.#page.evaluate(() => performance.now());
  }

  /**
   * Waits until what has been received since a moment fulfils a condition, and returns it.
   *
   * @throws Error when it has not within 15 s.
   */
  async receivedWhen(
    sinceMs: number,
    isReady: (pieces: readonly MeteredPiece[]) => boolean,
  ): Promise<MeteredPiece[]> {
    for (const begin = performance.now(); performance.now() - begin < 15_000;) {
      const pieces = await this.received(sinceMs);
      if (isReady(pieces)) return pieces;
      await new Promise((resolve) => setTimeout(resolve, STEP_MS));
    }
    throw new Error("What was awaited has not been received within 15 s.");
  }
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
function installSpeaking(): void {
  const sent: MeteredPiece[] = [];
  const got: MeteredPiece[] = [];
  const told: string[] = [];
  let microphone: MediaStreamAudioDestinationNode | undefined;
  const { MediaStreamTrackProcessor } = window as unknown as {
    MediaStreamTrackProcessor: TrackProcessor;
  };

  const meter = async (track: MediaStreamTrack, pieces: MeteredPiece[]): Promise<void> => {
    const { readable } = new MediaStreamTrackProcessor({ track, maxBufferSize: 1000 });
    const reader = readable.getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      const atMs = performance.now();
      const plane = new Float32Array(value.numberOfFrames);
      value.copyTo(plane, { planeIndex: 0, format: "f32-planar" });
      const durationMs = (1000 * value.numberOfFrames) / value.sampleRate;
      value.close();
      const energy = plane.reduce((sum, sample) => sum + sample ** 2, 0);
      pieces.push({ atMs, durationMs, level: Math.sqrt(energy / plane.length) });
    }
  };

  const connect = async (url: string, webrtcId: string): Promise<void> => {
    const context = new AudioContext({ sampleRate: 48_000 });
    await context.resume();
    microphone = new MediaStreamAudioDestinationNode(context, { channelCount: 1 });
    const [track] = microphone.stream.getAudioTracks();
    if (!track) throw new Error("There is no audio.");
    void meter(track, sent);
    const connection = new RTCPeerConnection();
    connection.addTrack(track, microphone.stream);
    connection.createDataChannel("text").addEventListener("message", ({ data }) => {
      told.push(String(data));
    });
    connection.addEventListener("track", ({ track: received }) => {
      // Sound that nobody plays is not decoded.
      const audio = new Audio();
      audio.srcObject = new MediaStream([received]);
      void audio.play().catch(() => undefined);
      void meter(received, got);
    });
    await connection.setLocalDescription(await connection.createOffer());
    await new Promise<void>((resolve) => {
      const check = (): void => {
        if (connection.iceGatheringState === "complete") resolve();
      };
      connection.addEventListener("icegatheringstatechange", check);
      check();
    });
    const response = await fetch(`${url}webrtc/offer`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({
        sdp: connection.localDescription?.sdp,
        type: "offer",
        webrtc_id: webrtcId,
      }),
    });
    const connected = new Promise<void>((resolve) => {
      connection.addEventListener("connectionstatechange", () => {
        if (connection.connectionState === "connected") resolve();
      });
    });
    await connection.setRemoteDescription((await response.json()) as RTCSessionDescriptionInit);
    await connected;
  };

  const speak = async (base64: string, sampleRate: number): Promise<SoundTimes> => {
    if (!microphone) throw new Error("Connect first.");
    const { context } = microphone;
    const samples = new Int16Array(Uint8Array.from(atob(base64), (c) => c.charCodeAt(0)).buffer);
    // A node that ends holds its graph up for some 60 ms, so the end comes long after the last sound.
    const buffer = new AudioBuffer({ length: samples.length + sampleRate, sampleRate });
    buffer.copyToChannel(
      Float32Array.from(samples, (value) => value / 32_768),
      0,
    );
    const source = new AudioBufferSourceNode(context, { buffer });
    source.connect(microphone);
    const from = sent.length;
    source.start();
    await new Promise((resolve) => source.addEventListener("ended", resolve));
    // Between sounds the microphone is digitally silent.
    const sounds = sent.slice(from).filter(({ level }) => level > 0);
    const [first, last] = [sounds.at(0), sounds.at(-1)];
    if (!first || !last) throw new Error("The microphone heard nothing.");
    return { startMs: first.atMs, endMs: last.atMs };
  };

  const received = (sinceMs: number): MeteredPiece[] => got.filter(({ atMs }) => atMs >= sinceMs);

  const messages = (): string[] => told;

  const inPage: InPage = { connect, speak, received, messages };
  Object.assign(window, { speaking: inPage });
}

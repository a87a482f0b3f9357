/**
 * Records what a page receives over WebRTC, on the track itself: after network, jitter buffer and
 * decoder, before the loudspeaker. Pages need not know of it.
 */

import { AudioFrame } from "fastrtc";
import type { Page } from "playwright-core";

/** A page's recordings: one for each of its peer connections, in the order of their making. */
export interface ReceivedAudio {
  /** Returns everything that a connection has received so far. */
  read(connection?: number): Promise<AudioFrame>;
}

/** Records every audio track of the page; call it before the page is opened. */
export async function recordReceivedAudio(page: Page): Promise<ReceivedAudio> {
  await page.addInitScript(installRecorder);
  return {
    read: async (connection = 0) => {
      const { base64, sampleRate } = await page.evaluate(readRecording, connection);
      return AudioFrame.fromBytes(Buffer.from(base64, "base64"), sampleRate);
    },
  };
}

interface Recording {
  readonly chunks: Int16Array[];
  sampleRate: number;
}

/** What the recorder leaves in the page. */
declare function recordings(): Recording[];

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
function installRecorder(): void {
  const all: Recording[] = [];
  Object.assign(window, { recordings: () => all });
  const { MediaStreamTrackProcessor } = window as unknown as {
    MediaStreamTrackProcessor: TrackProcessor;
  };

  const record = async (track: MediaStreamTrack, recording: Recording): Promise<void> => {
    // Ten seconds: a page that is busy for a moment must not lose sound.
    const reader = new MediaStreamTrackProcessor({
      track,
      maxBufferSize: 1000,
    }).readable.getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      const plane = new Float32Array(value.numberOfFrames);
      value.copyTo(plane, { planeIndex: 0, format: "f32-planar" });
      recording.sampleRate = value.sampleRate;
      recording.chunks.push(Int16Array.from(plane, (sample) => sample * 32_767));
      value.close();
    }
  };

  window.RTCPeerConnection = class extends RTCPeerConnection {
    constructor(configuration?: RTCConfiguration) {
      super(configuration);
      const recording: Recording = { chunks: [], sampleRate: 48_000 };
      all.push(recording);
      this.addEventListener("track", ({ track }) => {
        if (track.kind === "audio") void record(track, recording);
      });
    }
  };
}

function readRecording(connection: number): { base64: string; sampleRate: number } {
  const recording = recordings()[connection];
  if (!recording) throw new Error(`The page has not made its connection ${connection} yet.`);
  const bytes = recording.chunks.map((chunk) => new Uint8Array(chunk.buffer));
  let binary = "";
  for (const part of bytes) binary += String.fromCharCode(...part);
  return { base64: btoa(binary), sampleRate: recording.sampleRate };
}

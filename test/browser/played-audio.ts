/**
 * Records what the built-in page's client plays, whatever carries it: its stream, before the
 * loudspeaker.
 */

import { AudioFrame } from "fastrtc";
import type { Page } from "playwright-core";

/** What a page has played. */
export interface PlayedAudio {
  /** Returns everything so far. */
  read(): Promise<AudioFrame>;
}

/** Records from the next session on; call it when the page has been opened. */
export async function recordPlayedAudio(page: Page): Promise<PlayedAudio> {
  await page.evaluate(installRecorder);
  return {
    read: async () => {
      const { base64, sampleRate } = await page.evaluate(readRecording);
      return AudioFrame.fromBytes(Buffer.from(base64, "base64"), sampleRate);
    },
  };
}

interface Recording {
  readonly chunks: Int16Array[];
  sampleRate: number;
}

/** What the recorder leaves in the page. */
declare const playedAudio: Recording;

/** The page's client. */
declare const fastrtc: {
  on(name: "stream-received", listener: (stream: MediaStream) => void): void;
};

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
  const recording: Recording = { chunks: [], sampleRate: 48_000 };
  Object.assign(window, { playedAudio: recording });
  const { MediaStreamTrackProcessor } = window as unknown as {
    MediaStreamTrackProcessor: TrackProcessor;
  };
  fastrtc.on("stream-received", (stream) => {
    void (async () => {
      const [track] = stream.getAudioTracks();
      if (!track) return;
      // Ten seconds: a page that is busy for a moment must not lose sound.
      const { readable } = new MediaStreamTrackProcessor({ track, maxBufferSize: 1000 });
      const reader = readable.getReader();
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return;
        const plane = new Float32Array(value.numberOfFrames);
        value.copyTo(plane, { planeIndex: 0, format: "f32-planar" });
        recording.sampleRate = value.sampleRate;
        recording.chunks.push(Int16Array.from(plane, (sample) => sample * 32_767));
        value.close();
      }
    })();
  });
}

function readRecording(): { base64: string; sampleRate: number } {
  let binary = "";
  for (const chunk of playedAudio.chunks) {
    binary += String.fromCharCode(...new Uint8Array(chunk.buffer));
  }
  return { base64: btoa(binary), sampleRate: playedAudio.sampleRate };
}

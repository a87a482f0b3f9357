import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { encodeWav } from "../media/wav.ts";
import { listSpeech, loadSpeech } from "./speech.ts";

afterEach(() => {
  vi.unstubAllEnvs();
});

describe("Debian's recordings", () => {
  beforeEach(() => {
    vi.stubEnv("FASTRTC_SPEECH_DIR", undefined);
  });

  it("are read with their words", () => {
    const { samples, ...rest } = loadSpeech("vm-intro");
    expect(rest).toEqual({
      name: "vm-intro",
      sampleRate: 8000,
      transcript:
        "Please leave your message after the tone.  When done hang up or press the pound key.",
    });
    expect(samples.length).toBeGreaterThan(4 * 8000);
  });

  it("do not include beeps and silence", () => {
    const names = listSpeech();
    expect(names).toContain("digits/1");
    expect(names).not.toContain("beep");
    expect(names).not.toContain("silence/1");
  });
});

describe("own recordings", () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "fastrtc-speech-"));
    vi.stubEnv("FASTRTC_SPEECH_DIR", directory);
  });
  afterEach(() => {
    rmSync(directory, { recursive: true });
  });

  const write = (name: string, channels: 1 | 2 = 1): void => {
    const samples = Int16Array.of(1, 2, 3, 4);
    writeFileSync(join(directory, name), encodeWav({ samples, sampleRate: 16_000, channels }));
  };

  it("may have a transcript or none", () => {
    write("greeting.wav");
    write("other.wav");
    writeFileSync(join(directory, "transcripts.txt"), "greeting: Good morning. (coughs)\n");
    expect(listSpeech()).toEqual(["greeting", "other"]);
    expect(loadSpeech("greeting")).toEqual({
      name: "greeting",
      samples: Int16Array.of(1, 2, 3, 4),
      sampleRate: 16_000,
      transcript: "Good morning.",
    });
    expect(loadSpeech("other")).not.toHaveProperty("transcript");
  });

  it("must be mono", () => {
    write("wide.wav", 2);
    expect(() => loadSpeech("wide")).toThrow("wide.wav has 2 channels");
  });

  it("cannot be read from outside the directory", () => {
    write("greeting.wav");
    expect(() => loadSpeech("../greeting")).toThrow(/Invalid name/);
  });

  it("are asked for, with the way to install some, when there are none", () => {
    expect(() => listSpeech()).toThrow(/apt-get install asterisk-core-sounds-en-wav/);
    expect(() => loadSpeech("greeting")).toThrow(/FASTRTC_SPEECH_DIR/);
  });
});

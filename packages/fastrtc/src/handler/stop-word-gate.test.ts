import { describe, expect, it } from "vitest";
import { TimeoutError } from "../errors.ts";
import { AudioFrame } from "../media/audio-frame.ts";
import type { SpeechToText } from "../models/speech-to-text.ts";
import { ManualClock } from "../testing/manual-clock.ts";
import { StopWordGate } from "./stop-word-gate.ts";
import { StopWordMatcher } from "./stop-words.ts";

const audio = (durationMs: number): AudioFrame => AudioFrame.silence(durationMs, 16_000);

function open(speechToText: SpeechToText, isDeaf = (): boolean => false) {
  const clock = new ManualClock();
  let stopWords = 0;
  const gate = new StopWordGate({
    speechToText,
    matcher: new StopWordMatcher(["hey computer"]),
    timeoutMs: 5000,
    clock,
    isDeaf,
    onStopWord: () => stopWords++,
  });
  const { signal } = new AbortController();
  return {
    gate,
    clock,
    hear: async (durationMs = 1000) => (await gate.transcribe(audio(durationMs), { signal })).text,
    stopWords: () => stopWords,
  };
}

/** Answers with one text after the other. */
function scripted(...texts: readonly string[]): SpeechToText & { readonly heardMs: number[] } {
  const left = [...texts];
  const heardMs: number[] = [];
  return {
    heardMs,
    transcribe: (frame) => {
      heardMs.push(frame.durationMs);
      return Promise.resolve({ text: left.shift() ?? "" });
    },
  };
}

describe("StopWordGate", () => {
  it("lets no words through without a stop word", async () => {
    const { gate, hear, stopWords } = open(scripted("what a day", "nice weather"));

    expect([await hear(), await hear()]).toEqual(["", ""]);
    expect(gate.state).toBe("asleep");
    expect(stopWords()).toBe(0);
  });

  it("lets the words after the stop word through, and those of later pieces", async () => {
    const { gate, hear, stopWords } = open(scripted("Well, hey computer, what", "time is it?"));

    expect([await hear(), await hear()]).toEqual(["what", "time is it?"]);
    expect(gate.state).toBe("asked");
    expect(stopWords()).toBe(1);
  });

  it("waits for the next words when there are none after the stop word", async () => {
    const { gate, hear } = open(scripted("Hey, computer!", "", "what time is it?"));

    expect(await hear()).toBe("hey computer");
    expect(gate.state).toBe("called");
    expect(await hear()).toBe("");
    expect(gate.state).toBe("called");
    expect(await hear()).toBe("what time is it?");
    expect(gate.state).toBe("asked");
  });

  it("finds a stop word that a pause divides", async () => {
    const { gate, hear } = open(scripted("so", "hey", "computer go on"));
    gate.beginTurn();

    expect([await hear(700), await hear(500), await hear(900)]).toEqual(["", "", "go on"]);
    expect(gate.startMs).toBe(700);
  });

  it("does not join words of two turns", async () => {
    const { gate, hear } = open(scripted("hey", "computer go on"));

    await hear();
    gate.beginTurn();

    expect(await hear()).toBe("");
  });

  it("tells where the piece with the stop word begins in its turn", async () => {
    const { gate, hear } = open(scripted("one", "two", "hey computer three"));
    await hear(9000);
    gate.beginTurn();
    await hear(1500);

    await hear(800);

    expect(gate.startMs).toBe(1500);
  });

  it("asks for a stop word again when it has been closed", async () => {
    const { gate, hear } = open(scripted("hey computer one", "two"));
    await hear();
    gate.close();

    expect(await hear()).toBe("");
  });

  it("searches the last 30 s of a long piece", async () => {
    const speechToText = scripted("noise");
    const { gate, hear } = open(speechToText);
    gate.beginTurn();

    await hear(90_000);

    expect(speechToText.heardMs).toEqual([30_000]);
    expect(gate.startMs).toBe(90_000);
  });

  it("does not ask the recognizer while it must not listen", async () => {
    const speechToText = scripted("hey computer");
    const { hear } = open(speechToText, () => true);

    expect(await hear()).toBe("");
    expect(speechToText.heardMs).toEqual([]);
  });

  it("gives up on a recognizer that hangs, and goes on with the next piece", async () => {
    const pending: AbortSignal[] = [];
    const { gate, hear, clock } = open({
      transcribe: (_frame, { signal }) => {
        pending.push(signal);
        return pending.length === 1
          ? new Promise(() => undefined)
          : Promise.resolve({ text: "hey computer go" });
      },
    });
    gate.beginTurn();
    const stuck = hear(600).catch((error: unknown) => error);

    await clock.advanceAsync(5000);

    expect(await stuck).toBeInstanceOf(TimeoutError);
    expect(pending[0]!.aborted).toBe(true);
    expect(await hear()).toBe("go");
    expect(gate.startMs).toBe(600);
    expect(clock.pendingTimers).toBe(0);
  });

  it("passes on what the recognizer throws, and goes on listening", async () => {
    let calls = 0;
    const { hear } = open({
      transcribe: () => {
        if (calls++ === 0) throw new Error("no connection");
        return Promise.resolve({ text: "hey computer go" });
      },
    });

    await expect(hear()).rejects.toThrow("no connection");
    expect(await hear()).toBe("go");
  });

  it("ends with its session", async () => {
    const controller = new AbortController();
    const { gate, clock } = open({ transcribe: () => new Promise(() => undefined) });
    const pending = gate.transcribe(audio(500), { signal: controller.signal });

    controller.abort(new Error("hung up"));

    await expect(pending).rejects.toThrow("hung up");
    expect(clock.pendingTimers).toBe(0);
  });
});

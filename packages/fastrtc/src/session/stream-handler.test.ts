import { describe, expect, it } from "vitest";

import { call, kinds, RATE, RATES, silence, speech } from "../../test/memory-call.ts";
import type { HandlerOutput } from "../handler/handler-output.ts";
import { StreamHandler } from "../handler/stream-handler.ts";
import { AsyncQueue } from "../media/async-queue.ts";
import type { AudioFrame } from "../media/audio-frame.ts";
import { getContext } from "./context/context.ts";

class Echo extends StreamHandler {
  readonly #frames = new AsyncQueue<AudioFrame>();
  readonly log: string[];

  constructor(log: string[] = []) {
    super(RATES);
    this.log = log;
  }

  override copy(): Echo {
    return new Echo(this.log);
  }

  override startUp(): void {
    this.log.push(`startUp ${getContext()?.webrtcId ?? "-"}`);
  }

  override receive(frame: AudioFrame): void {
    this.#frames.put(frame);
  }

  override async emit(): Promise<HandlerOutput> {
    const frame = await this.#frames.get();
    if (frame?.samples[0] === 13) throw new Error("unlucky");
    return frame;
  }

  override shutdown(): void {
    this.log.push(
      `shutdown ${getContext()?.webrtcId ?? "-"} ${String(getContext()?.signal.aborted)}`,
    );
  }
}

describe("a session of StreamHandler", () => {
  it("echoes frame by frame", async () => {
    const caller = call(new Echo());
    await caller.say(speech(400));
    await caller.clock.advanceAsync(100);
    const loud = caller.transport.heard.filter((sample) => sample === 16_000).length;
    expect((loud * 1000) / RATE).toBe(400);
  });

  it("goes on after an emit that throws", async () => {
    const caller = call(new Echo());
    await caller.say(new Int16Array(RATE / 50).fill(13));
    await caller.clock.advanceAsync(1000);
    await caller.say(speech(200));
    await caller.clock.advanceAsync(100);
    expect(kinds(caller)).toContain("error");
    expect(caller.heardLevels()).toEqual([16_000]);
  });

  it("starts and shuts down once each, in its context, however the session ends", async () => {
    const log: string[] = [];
    const caller = call(new Echo(log));
    await caller.clock.advanceAsync(20);
    caller.transport.disconnect("failed");
    await caller.session.close();
    expect(log).toEqual(["startUp caller", "shutdown caller true"]);
    expect(caller.clock.pendingTimers).toBe(0);
  });

  it("drops the oldest frames of a handler that is slower than the audio", async () => {
    const received: number[] = [];
    let release = (): void => undefined;
    class Slow extends StreamHandler {
      override copy(): Slow {
        return new Slow(RATES);
      }
      override async receive(frame: AudioFrame): Promise<void> {
        received.push(frame.timestampMs);
        if (received.length === 1) await new Promise<void>((resolve) => (release = resolve));
      }
      override emit(): undefined {
        return undefined;
      }
    }
    const caller = call(new Slow(RATES));
    caller.transport.speak(silence(10_000));
    release();
    await caller.clock.advanceAsync(20);
    expect(received).toHaveLength(1 + 250);
    expect(received.at(-1)).toBe(9980);
  });

  it("is asked again after 20 ms when it has nothing to say", async () => {
    let asked = 0;
    class Quiet extends StreamHandler {
      override copy(): Quiet {
        return new Quiet(RATES);
      }
      override receive(): void {
        // Not of interest.
      }
      override emit(): undefined {
        asked++;
        return undefined;
      }
    }
    const caller = call(new Quiet(RATES));
    await caller.clock.advanceAsync(1000);
    expect(asked).toBeGreaterThanOrEqual(49);
    expect(asked).toBeLessThanOrEqual(51);
    caller.transport.disconnect();
    await caller.clock.advanceAsync(100);
    expect(caller.clock.pendingTimers).toBe(0);
  });
});

import { describe, expect, it } from "vitest";
import { NegotiationError } from "../../errors.ts";
import { encodeStarted, parseStartMessage } from "./start-message.ts";

const DEFAULTS = { inputSampleRate: 48_000, outputSampleRate: 24_000 };

describe("start", () => {
  it("means FastRTC's audio where it says nothing else, and wants no answer", () => {
    const start = parseStartMessage({ event: "start", websocket_id: "abc" }, DEFAULTS);
    expect(start).toEqual({
      webrtcId: "abc",
      params: undefined,
      sessionToken: undefined,
      wantsAnswer: false,
      audio: {
        inputFormat: { codec: "mulaw", sampleRate: 48_000, channels: 1 },
        outputFormat: { codec: "mulaw", sampleRate: 24_000, channels: 1 },
        binary: false,
      },
    });
  });

  it.each([
    [{ codec: "pcm16", sampleRate: 16_000, binary: true }, "pcm16", 16_000, 16_000, true],
    [{ codec: "pcm16" }, "pcm16", 48_000, 24_000, false],
    [{ codec: "opus", sampleRate: 16_000 }, "opus", 48_000, 48_000, false],
    [{ sampleRate: 8_000 }, "mulaw", 8_000, 8_000, false],
    [{}, "mulaw", 48_000, 24_000, false],
  ])("agrees on %j", (audio, codec, inputRate, outputRate, binary) => {
    const start = parseStartMessage({ webrtc_id: "abc", audio }, DEFAULTS);
    expect(start.wantsAnswer).toBe(true);
    expect(JSON.parse(encodeStarted(start.audio, "token", false))).toEqual({
      event: "started",
      audio: { codec, binary, inputSampleRate: inputRate, outputSampleRate: outputRate },
      session_token: "token",
      resumed: false,
    });
  });

  it("has no audio in a direction that the stream does not have", () => {
    const defaults = { inputSampleRate: undefined, outputSampleRate: 24_000 };
    const { audio } = parseStartMessage({ webrtc_id: "abc" }, defaults);
    expect(audio.inputFormat).toBeUndefined();
    expect(audio.outputFormat?.sampleRate).toBe(24_000);
  });

  it("wants an answer where it brings parameters or a token", () => {
    const wants = (more: object): boolean =>
      parseStartMessage({ websocket_id: "a", ...more }, DEFAULTS).wantsAnswer;
    expect([{ params: { a: 1 } }, { session_token: "t" }, {}].map(wants)).toEqual([
      true,
      true,
      false,
    ]);
  });

  it.each([
    [{}, "websocket_id"],
    [{ websocket_id: "" }, "websocket_id"],
    [{ websocket_id: "a\nb" }, "websocket_id"],
    [{ websocket_id: "a".repeat(129) }, "websocket_id"],
    [{ websocket_id: "a", session_token: 3 }, "session_token"],
    [{ websocket_id: "a", audio: "opus" }, "audio"],
    [{ websocket_id: "a", audio: [] }, "audio"],
    [{ websocket_id: "a", audio: { codec: "mp3" } }, "audio.codec"],
    [{ websocket_id: "a", audio: { sampleRate: "16000" } }, "audio.sampleRate"],
    [{ websocket_id: "a", audio: { sampleRate: 96_000 } }, "audio.sampleRate"],
    [{ websocket_id: "a", audio: { sampleRate: 16_001 } }, "audio.sampleRate"],
    [{ websocket_id: "a", audio: { sampleRate: NaN } }, "audio.sampleRate"],
    [{ websocket_id: "a", audio: { binary: 1 } }, "audio.binary"],
  ])("is refused as %j, and says what is wrong", (message, path) => {
    try {
      parseStartMessage(message, DEFAULTS);
      expect.unreachable();
    } catch (error) {
      expect(error).toBeInstanceOf(NegotiationError);
      const { reason, issues } = error as NegotiationError;
      expect([reason, issues[0]?.path]).toEqual(["invalid_request", path]);
    }
  });
});

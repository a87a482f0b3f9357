import { describe, expect, it } from "vitest";

import { encodeClientMessage, parseClientMessage } from "./client-message.ts";

describe("parseClientMessage", () => {
  it("reads what encodeClientMessage wrote", () => {
    for (const message of [{ type: "audible" }, { type: "playback", delayMs: 82.5 }] as const) {
      expect(parseClientMessage(encodeClientMessage(message))).toEqual(message);
    }
  });

  it.each([
    "hello",
    '{"type":"playback"}',
    '{"type":"playback","delayMs":-1}',
    '{"type":"playback","delayMs":1e9}',
    '{"type":"playback","delayMs":"5"}',
    '{"type":"other"}',
    '{"type":',
    "[]",
    "null",
  ])("takes %s for free text", (text) => {
    expect(parseClientMessage(text)).toBeUndefined();
  });
});

import { FastRTCClientError } from "@fastrtc/client";
import { expect, test } from "vitest";
import { describeError, describeInsecurePage, describeState } from "./connection-texts.ts";

test("tells a session that never came from one that was lost", () => {
  expect(describeState({ state: "failed", previous: "connecting" })).toBe("Could not connect");
  expect(describeState({ state: "failed", previous: "reconnecting" })).toBe("Connection lost");
});

test("says that a session goes on", () => {
  const change = { state: "connected", previous: "reconnecting" } as const;
  expect(describeState({ ...change, resumed: true })).toContain("goes on");
  expect(describeState(change)).toBe("Connected");
});

test("gives the server's last words", () => {
  expect(describeState({ state: "closed", previous: "connected", reason: "Goodbye." })).toBe(
    "Ended: Goodbye.",
  );
});

test("says when to try again where the server says so", () => {
  const full = "The server is busy: it takes 1 session at a time. Try again in a moment.";
  const error = new FastRTCClientError("limit-reached", full, { limit: 1, retryAfterSeconds: 20 });
  expect(describeError(error)).toBe(
    "The server is busy: it takes 1 session at a time. Try again in 20 seconds.",
  );
});

test("names the address that gets the microphone", () => {
  const text = describeInsecurePage({ host: "192.168.0.7:7860", port: "7860" });
  expect(text).toContain("http://localhost:7860");
  expect(text).toContain("ssh -L 7860:localhost:7860");
});

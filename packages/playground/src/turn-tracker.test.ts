import { expect, test } from "vitest";
import { TurnTracker } from "./turn-tracker.ts";

test("follows what the server tells, and hears for itself when the reply is over", () => {
  const tracker = new TurnTracker();
  expect(tracker.read(0, 0)).toBe("listening");
  tracker.take("started_talking", 100);
  expect(tracker.read(0, 150)).toBe("speaking");
  tracker.take("pause_detected", 2000);
  expect(tracker.read(0, 2100)).toBe("listening");
  tracker.take("response_starting", 2300);
  expect(tracker.read(0, 2400)).toBe("replying");
  expect(tracker.read(0.5, 4000)).toBe("replying");
  expect(tracker.read(0, 4900)).toBe("replying");
  expect(tracker.read(0, 5100)).toBe("listening");
});

test("takes a reply that goes on after a long breath for the same reply", () => {
  const tracker = new TurnTracker();
  tracker.take("response_starting", 0);
  expect(tracker.read(0, 1500)).toBe("listening");
  expect(tracker.read(0.5, 1600)).toBe("replying");
});

test("shows the user's barge-in at once", () => {
  const tracker = new TurnTracker();
  tracker.take("response_starting", 0);
  tracker.take("started_talking", 500);
  expect(tracker.read(0.9, 510)).toBe("speaking");
});

test("measures from the pause to the first of the reply's start messages", () => {
  const tracker = new TurnTracker();
  expect(tracker.replyDelayMs).toBeUndefined();
  tracker.take("pause_detected", 1000);
  tracker.take("response_starting", 1250);
  tracker.take("response_starting", 1270);
  expect(tracker.replyDelayMs).toBe(250);
  tracker.reset();
  expect(tracker.replyDelayMs).toBeUndefined();
});

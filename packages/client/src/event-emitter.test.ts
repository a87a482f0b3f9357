import { expect, test, vi } from "vitest";
import { EventEmitter } from "./event-emitter.ts";

class Bell extends EventEmitter<{ rung: number }> {
  ring(times: number): void {
    this.emit("rung", times);
  }
}

test("calls listeners in the order in which they subscribed, with the event", () => {
  const bell = new Bell();
  const calls: string[] = [];
  bell.on("rung", (times) => calls.push(`first ${times}`));
  bell.on("rung", (times) => calls.push(`second ${times}`));
  bell.ring(3);
  expect(calls).toEqual(["first 3", "second 3"]);
});

test("stops calling a listener that unsubscribed, either way", () => {
  const bell = new Bell();
  const [first, second, third] = [vi.fn(), vi.fn(), vi.fn()];
  const unsubscribe = bell.on("rung", first);
  bell.on("rung", second);
  bell.once("rung", third);
  bell.ring(1);
  unsubscribe();
  bell.off("rung", second);
  bell.ring(2);
  for (const listener of [first, second, third]) expect(listener).toHaveBeenCalledTimes(1);
});

test("calls everybody even if a listener unsubscribes another meanwhile", () => {
  const bell = new Bell();
  const second = vi.fn();
  bell.on("rung", () => {
    bell.off("rung", second);
  });
  bell.on("rung", second);
  bell.ring(1);
  expect(second).toHaveBeenCalledTimes(1);
});

test("reports a listener that throws and still calls the next one", () => {
  const reported: (() => void)[] = [];
  vi.stubGlobal("queueMicrotask", (task: () => void) => reported.push(task));
  const bell = new Bell();
  const second = vi.fn();
  bell.on("rung", () => {
    throw new Error("broken listener");
  });
  bell.on("rung", second);
  bell.ring(1);
  vi.unstubAllGlobals();
  expect(second).toHaveBeenCalledTimes(1);
  expect(reported[0]).toThrow("broken listener");
});

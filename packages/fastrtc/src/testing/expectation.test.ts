import { describe, expect, it } from "vitest";

import type { ConversationEvent } from "./conversation-log.ts";
import { ConversationLog } from "./conversation-log.ts";
import { Expectation } from "./expectation.ts";

const log = new ConversationLog();
const add = (at: number, who: ConversationEvent["who"], what: string, detail?: unknown): void =>
  log.add({ at, who, what, ...(detail === undefined ? {} : { detail }) });
add(0, "caller", "speech-started", "hello");
add(900, "caller", "speech-ended");
add(2000, "caller", "speech-started");
add(2500, "caller", "speech-ended");
add(3400, "reply", "reply-started");
add(1500, "reply", "reply-started");

const expectEvent = (pattern: ConstructorParameters<typeof Expectation>[1]): Expectation =>
  new Expectation(log.events, pattern);

describe("the log", () => {
  it("finds the place of what is told late", () => {
    expect(log.events.map(({ at }) => at)).toEqual([0, 900, 1500, 2000, 2500, 3400]);
  });
});

describe("an expectation", () => {
  it("measures each event from the last other one before it", () => {
    expectEvent("reply-started").within(900, "ms").after("speech-ended");
    expectEvent("reply-started").within(0.9, "s").after("speech-ended");
    expect(() => expectEvent("reply-started").within(899).after("speech-ended")).toThrow(
      "reply-started happened 900 ms after speech-ended, not within 899 ms",
    );
  });

  it("measures each event to the first other one after it", () => {
    expectEvent("speech-ended").within(900).before("reply-started");
    expect(() => expectEvent("speech-ended").within(700).before("reply-started")).toThrow(
      "speech-ended happened 900 ms before reply-started",
    );
    expect(() => expectEvent("reply-started").within(9999).before("speech-ended")).toThrow(
      "reply-started did not happen before speech-ended",
    );
  });

  it("is not met by what never happened", () => {
    expect(() => expectEvent("error").within(100).after("speech-ended")).toThrow("never happened");
    expect(() => expectEvent("error").happened()).toThrow("error never happened");
    expect(() => expectEvent("error").before("speech-ended")).toThrow("never happened");
  });

  it("is not met by what has nothing before it", () => {
    expect(() => expectEvent("speech-started").within(9999).after("speech-ended")).toThrow(
      "speech-started did not happen after speech-ended",
    );
  });

  it("counts", () => {
    expectEvent("speech-started").times(2);
    expectEvent("error").never();
    expectEvent(({ detail }) => detail === "hello").once();
    expect(() => expectEvent("speech-started").once()).toThrow("happened 2 times, not 1 times");
    expect(() => expectEvent("speech-started").never()).toThrow("2 times");
  });

  it("knows what came first", () => {
    expectEvent("speech-ended").before("reply-started");
    expectEvent("speech-ended").before("error");
    expectEvent("reply-started").after("speech-ended");
    expect(() => expectEvent("reply-started").before("speech-ended")).toThrow(
      "did not happen before",
    );
    expect(() => expectEvent("speech-ended").after("reply-started")).toThrow(
      "did not happen after",
    );
    expect(() => expectEvent("speech-ended").after("error")).toThrow("did not happen after");
  });

  it("shows the timeline when it is not met, and what it is about", () => {
    expect(() => expectEvent("reply-started").within(899).after("speech-ended")).toThrow(
      [
        "     ms | who    | what",
        "      0 | caller | speech-started 'hello'",
        "    900 | caller | speech-ended",
        "   1500 | reply  | reply-started",
        "   2000 | caller | speech-started",
        ">  2500 | caller | speech-ended",
        ">  3400 | reply  | reply-started",
      ].join("\n"),
    );
  });
});

import { describe, expect, it } from "vitest";
import {
  AuthenticationError,
  CodecError,
  HandlerError,
  InvalidOptionError,
  InvalidStateError,
  ModelError,
  NegotiationError,
  NoContextError,
  SessionLimitError,
  TimeoutError,
  TransportError,
  WebRTCError,
} from "../../errors.ts";
import type { FastRTCError } from "../../errors.ts";
import { describeError, rebuildError } from "./remote-error.ts";

function travel(error: unknown): FastRTCError {
  return rebuildError(JSON.parse(JSON.stringify(describeError(error))));
}

describe("an error between processes", () => {
  it.each<FastRTCError>([
    new AuthenticationError(),
    new CodecError("Bad chunk."),
    new HandlerError("The handler threw.", { webrtcId: "a" }),
    new InvalidOptionError("timeLimit", -1, "Give seconds above zero."),
    new InvalidStateError("Closed."),
    new ModelError("whisper", "It refused."),
    new NegotiationError("No.", {
      reason: "invalid_request",
      status: 413,
      issues: [{ path: "style.speed", message: "Too fast." }],
    }),
    new NoContextError(),
    new SessionLimitError(7, 5),
    new TimeoutError("Too late."),
    new TransportError("Gone."),
    new WebRTCError("Please call back."),
  ])("arrives as what it was: $name", (error) => {
    const arrived = travel(error);
    expect(arrived).toBeInstanceOf(error.constructor);
    expect(arrived.message).toBe(error.message);
    expect(Object.entries(arrived)).toEqual(Object.entries(error));
  });

  it("tells nothing of errors that are not ours, of causes or of stacks", () => {
    const secret = new Error("postgres://user:password@host");
    const foreign = JSON.stringify(describeError(secret));
    const ours = JSON.stringify(describeError(new HandlerError("It threw.", { cause: secret })));
    for (const text of [foreign, ours]) {
      expect(text).not.toContain("password");
      expect(text).not.toContain("    at ");
    }
    expect(travel(secret)).toBeInstanceOf(HandlerError);
  });

  it.each([
    ["nothing", undefined],
    ["a text", "boom"],
    ["an unknown class", { name: "constructor", message: 7 }],
  ])("is a TransportError when it is %s", (_what, value) => {
    expect(rebuildError(value)).toBeInstanceOf(TransportError);
  });

  it("does not take over a reason, a status or issues that there are none of", () => {
    const rebuilt = rebuildError({
      name: "NegotiationError",
      message: "x",
      reason: "__proto__",
      status: 200,
      issues: [{ path: 1 }, { path: "a", message: "b" }],
    });
    expect(rebuilt).toBeInstanceOf(NegotiationError);
    expect(rebuilt).toMatchObject({
      reason: "invalid_request",
      status: 422,
      issues: [{ path: "a", message: "b" }],
    });
  });
});

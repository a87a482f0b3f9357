import { expect, it } from "vitest";
import { toModelError, withoutKeys } from "./openai-error.ts";

const request = {
  model: "openai m",
  input: '"Hello" (5 characters)',
  baseURL: "https://api.x.org/v1",
};
const answered = (status: number, headers: Record<string, string> = {}) =>
  Object.assign(new Error("no"), { status, headers: new Headers(headers) });

it.each([
  ["seconds", { "retry-after": "2.5" }, 2500],
  ["milliseconds", { "retry-after-ms": "120", "retry-after": "9" }, 120],
  ["a date", { "retry-after": new Date(Date.now() - 1000).toUTCString() }, 0],
  ["nothing", {}, undefined],
  ["nonsense", { "retry-after": "soon" }, undefined],
])("reads a server's wish for rest in %s", (_what, headers, wanted) => {
  expect(toModelError(answered(429, headers), request).retryAfterMs).toBe(wanted);
});

it("names the server, the model and the input, and never a key", () => {
  const body = { message: "Incorrect API key provided: sk-proj-abc*****xyz." };
  const { message } = toModelError(Object.assign(answered(401), { error: body }), request);
  expect(message).toMatch(/^openai m: api\.x\.org answered 401 .*"Hello" \(5 characters\)\)$/);
  expect(message).not.toContain("abc");
  expect(withoutKeys("Authorization: Bearer eyJhbGciOi")).toBe("Authorization: Bearer [key]");
});

it("finds the reason below the client's own words", () => {
  const cause = Object.assign(new Error("connect"), { code: "ECONNREFUSED" });
  const error = new Error("Connection error.", { cause: new TypeError("fetch failed", { cause }) });
  expect(toModelError(error, request).message).toContain("no answer from api.x.org for");
  expect(toModelError(error, request).message).toContain("ECONNREFUSED");
});

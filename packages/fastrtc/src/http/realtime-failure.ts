import { isFastRTCError } from "../errors.ts";
import type { RealtimeRefusalText } from "../session/entry/realtime/realtime-entry.ts";
import { failureOf, json, RefusedRequest } from "./failure.ts";

const MESSAGES: ReadonlyMap<number, RealtimeRefusalText> = new Map([
  [400, { code: "invalid_offer", message: "The offer cannot be answered." }],
  [401, { code: "invalid_api_key", message: "Incorrect API key provided." }],
  [404, { code: "not_found", message: "There is no such session or route." }],
  [410, { code: "not_found", message: "The session has ended." }],
  [422, { code: "invalid_request", message: "The session's parameters do not fit." }],
  [503, { code: "server_closing", message: "The server cannot take sessions at the moment." }],
]);

const BUSY: RealtimeRefusalText = {
  code: "concurrency_limit_reached",
  message: "Too many sessions live at the same time: try again later.",
};

const UNKNOWN: RealtimeRefusalText = {
  code: "server_error",
  message: "Something went wrong on the server.",
};

/** Turns what a route threw into an error as OpenAI's; nothing but fixed sentences leave. */
export function realtimeFailure(error: unknown): Response {
  const { status, headers } = failureOf(error);
  const { code, message } = describeRealtimeRefusal(error);
  const type = status < 500 ? "invalid_request_error" : "server_error";
  const kept = [...headers].filter(([name]) => name !== "content-type" && name !== "cache-control");
  return json({ error: { message, type, code, param: null } }, status, Object.fromEntries(kept));
}

/** Puts what was thrown into words that a client may read. */
export function describeRealtimeRefusal(error: unknown): RealtimeRefusalText {
  if (error instanceof RefusedRequest) return { code: error.reason, message: error.message };
  if (!isFastRTCError(error)) return UNKNOWN;
  if (error.code === "SESSION_LIMIT") return BUSY;
  return MESSAGES.get(failureOf(error).status) ?? UNKNOWN;
}

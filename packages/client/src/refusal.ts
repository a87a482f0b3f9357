import { isFailure } from "@fastrtc/protocol";
import { FastRTCClientError, type InputIssue } from "./client-error.ts";
import type { JsonReply } from "./endpoint.ts";
import { isRecord } from "./record.ts";

/** What came with a refusal besides its body. */
export interface RefusalContext {
  /** Of HTTP, where it was one. */
  readonly status?: number;
  readonly retryAfterSeconds?: number;
}

/**
 * Reads the answer to an offer or a candidate.
 *
 * @param url - What was asked, for messages.
 * @throws {@link FastRTCClientError} when it is a refusal.
 */
export function throwIfRefused({ response, body }: JsonReply, url: string): void {
  const { status } = response;
  const retryAfterSeconds = readRetryAfter(response.headers.get("retry-after"));
  const context = { status, ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }) };
  if (isFailure(body)) throw toRefusal(body, context);
  if (response.ok) return;
  if (status === 401) throw notAuthorized(context);
  throw new FastRTCClientError(
    "refused",
    status === 404
      ? `There is no FastRTC server at ${url}. Check \`url\` and the mount path.`
      : `The server refused with HTTP ${status} at ${url}.`,
    context,
  );
}

/** Turns a refusal's body into an error; Python's FastRTC may leave out all but the code. */
export function toRefusal(body: unknown, context: RefusalContext = {}): FastRTCClientError {
  const meta = isRecord(body) && isRecord(body["meta"]) ? body["meta"] : {};
  const { error, limit, message } = meta;
  const issues = readIssues(meta["issues"]);
  const details = {
    ...context,
    ...(typeof error === "string" ? { signalingError: error as never } : {}),
    ...(typeof limit === "number" ? { limit } : {}),
    issues,
  };
  switch (error) {
    case "concurrency_limit_reached":
      return new FastRTCClientError(
        "limit-reached",
        typeof limit === "number"
          ? `The server is busy: it takes ${limit} ${limit === 1 ? "session" : "sessions"} at a time. Try again in a moment.`
          : "The server is busy. Try again in a moment.",
        details,
      );
    case "connection_already_exists":
      return new FastRTCClientError(
        "already-exists",
        "A session with this webrtcId lives already. Leave `webrtcId` out to get a fresh one each time.",
        details,
      );
    case "not_authorized":
      return notAuthorized(details);
    case "server_closing":
      return new FastRTCClientError(
        "refused",
        "The server is shutting down. Try again in a moment.",
        details,
      );
    default:
      return new FastRTCClientError(
        issues.length > 0 ? "params-rejected" : "refused",
        typeof message === "string"
          ? message
          : `The server refused: ${typeof error === "string" ? error : "no reason given"}.`,
        details,
      );
  }
}

/** Tells whether asking again is in vain, because the server knows what it refuses. */
export function isFinal(error: FastRTCClientError): boolean {
  switch (error.code) {
    case "limit-reached":
    case "network":
    case "ice-failed":
    case "connection-lost":
      return false;
    case "refused":
      // Over a WebSocket there is no status.
      return (error.status ?? 400) < 500 && !isPassing(error.signalingError);
    default:
      return true;
  }
}

function isPassing(signalingError: string | undefined): boolean {
  return ["server_closing", "unavailable", "internal_error"].includes(signalingError ?? "");
}

/** Reads what a refusal says of single fields; paths come as texts or as lists of keys. */
export function readIssues(value: unknown): InputIssue[] {
  if (!Array.isArray(value)) return [];
  return value.filter(isRecord).map(({ path, message }) => ({
    path: Array.isArray(path) ? path.map(String).join(".") : typeof path === "string" ? path : "",
    message: typeof message === "string" ? message : "is not valid",
  }));
}

function notAuthorized(details: RefusalContext): FastRTCClientError {
  return new FastRTCClientError(
    "not-authorized",
    "The server does not let you in. Sign in first, or give the client a `fetch` or a `url` that carries your credentials.",
    details,
  );
}

/** Reads both forms: https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3 */
function readRetryAfter(value: string | null): number | undefined {
  if (value === null) return undefined;
  if (/^\d+$/.test(value)) return Number(value);
  const date = Date.parse(value);
  return Number.isNaN(date) ? undefined : Math.max(0, Math.ceil((date - Date.now()) / 1000));
}

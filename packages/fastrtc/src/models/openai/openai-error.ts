/** What a request's failure means, in words that say what to do. */

import { ModelError } from "../../errors.ts";

/** What failed. */
export interface FailedRequest {
  /** Which model, such as `openai whisper-1`. */
  readonly model: string;
  /** What it was given, as {@link describeText} and {@link describeAudio} say it. */
  readonly input: string;
  /** The server. */
  readonly baseURL: string;
}

const SHOWN_CHARACTERS = 200;

/** Turns what the `openai` client threw into a {@link ModelError}. */
export function toModelError(cause: unknown, request: FailedRequest): ModelError {
  const { model, input } = request;
  if (cause instanceof ModelError) return cause;
  const server = serverOf(request.baseURL);
  const { status } = cause as { readonly status?: unknown };
  if (typeof status !== "number") {
    return new ModelError(
      model,
      `There is no answer from ${server} for ${input}: ${reasonOf(cause)}. Check that the server runs and that baseURL is its address.`,
      { cause },
    );
  }
  const retryAfterMs = retryAfter(cause);
  const said = saidBy(cause);
  return new ModelError(model, `${sentenceOf(status, server, said, retryAfterMs)} (${input})`, {
    cause,
    status,
    retryAfterMs,
  });
}

function sentenceOf(
  status: number,
  server: string,
  said: string,
  retryAfterMs: number | undefined,
): string {
  const answered = `${server} answered ${status}${said}`;
  if (status === 401 || status === 403) {
    return `${answered}. Check apiKey (or OPENAI_API_KEY), and that the key may use this model.`;
  }
  if (status === 404) {
    return `${answered}. Check the model's name, and that baseURL ends where the server's API begins, mostly in /v1.`;
  }
  if (status === 429) {
    const wait = retryAfterMs === undefined ? "later" : `in ${(retryAfterMs / 1000).toFixed(1)} s`;
    return `${answered}: too many requests, or the account is used up. Try again ${wait}.`;
  }
  if (status >= 500) return `${answered}. The server failed; its log says why.`;
  return `${answered}. Check the options: not every server knows each of them.`;
}

/** Returns how long the server wants to be left alone, in milliseconds. */
function retryAfter(error: unknown): number | undefined {
  const { headers } = error as { readonly headers?: { get?: (name: string) => string | null } };
  const inMs = Number.parseFloat(headers?.get?.("retry-after-ms") ?? "");
  if (inMs >= 0) return inMs;
  // Seconds or a date: RFC 9110 section 10.2.3.
  const given = headers?.get?.("retry-after") ?? "";
  const seconds = Number(given);
  if (given !== "" && seconds >= 0) return seconds * 1000;
  const at = Date.parse(given);
  return Number.isNaN(at) ? undefined : Math.max(0, at - Date.now());
}

function saidBy(error: unknown): string {
  const { error: body, message } = error as {
    readonly error?: { readonly message?: unknown };
    readonly message?: unknown;
  };
  const said = typeof body?.message === "string" ? body.message : message;
  return typeof said === "string" && said !== ""
    ? ` and says ${JSON.stringify(withoutKeys(said))}`
    : "";
}

/** Servers quote the key that they refuse. */
export function withoutKeys(text: string): string {
  return text
    .replace(/\b(?:sk|key|gsk|hf|nvapi)[-_][\w*.-]{4,}/gi, "[key]")
    .replace(/(bearer\s+)\S+/gi, "$1[key]")
    .slice(0, SHOWN_CHARACTERS);
}

function reasonOf(error: unknown): string {
  let reason = "no reason given";
  for (let at = error; at instanceof Error; at = at.cause) {
    const { code, message } = at as { readonly code?: unknown; readonly message: string };
    if (typeof code === "string") return code;
    reason = message;
  }
  return withoutKeys(reason).replace(/\.$/, "");
}

function serverOf(baseURL: string): string {
  return URL.canParse(baseURL) ? new URL(baseURL).host : baseURL;
}

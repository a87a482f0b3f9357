import type { Endpoint } from "./endpoint.ts";
import { ServerSentEventParser } from "./server-sent-events.ts";
import type { SessionClaim } from "./session-claim.ts";

const FIRST_RETRY_DELAY_MS = 500;
const MAX_RETRY_DELAY_MS = 10_000;

/** What an {@link OutputStream} needs. */
export interface OutputStreamOptions {
  readonly endpoint: Endpoint;
  readonly claim: SessionClaim;
  /** Receives each output's values. */
  readonly onOutput: (values: readonly unknown[]) => void;
}

/**
 * Reads a session's outputs as server-sent events, and comes back when the connection is lost.
 *
 * Not `EventSource`: that one can send no headers, so that a page which signs its requests through
 * its own `fetch` would be left out.
 */
export class OutputStream {
  readonly #options: OutputStreamOptions;
  #controller = new AbortController();
  #lastEventId = "";
  #retryDelayMs = FIRST_RETRY_DELAY_MS;

  constructor(options: OutputStreamOptions) {
    this.#options = options;
    void this.#run(this.#controller.signal);
  }

  /** Reads anew: the session goes on elsewhere, where a stream that was over may go on too. */
  renew(): void {
    this.#controller.abort();
    this.#controller = new AbortController();
    this.#retryDelayMs = FIRST_RETRY_DELAY_MS;
    void this.#run(this.#controller.signal);
  }

  /** Stops reading. */
  close(): void {
    this.#controller.abort();
  }

  async #run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        if ((await this.#read(signal)) === "over") return;
      } catch {
        // The outputs are additional: without them the session goes on, so we only try again.
      }
      await sleep(this.#retryDelayMs, signal);
      this.#retryDelayMs = Math.min(this.#retryDelayMs * 2, MAX_RETRY_DELAY_MS);
    }
  }

  async #read(signal: AbortSignal): Promise<"over" | "lost"> {
    const { endpoint, claim } = this.#options;
    const url = new URL(endpoint.url("/outputs"));
    url.searchParams.set("webrtc_id", claim.webrtcId);
    const headers: Record<string, string> = { accept: "text/event-stream" };
    // In a header: a token in an address would end up in the logs on the way.
    if (claim.sessionToken !== undefined) headers["x-session-token"] = claim.sessionToken;
    if (this.#lastEventId !== "") headers["last-event-id"] = this.#lastEventId;
    const response = await endpoint.request(url.href, { headers, signal });
    // 204 is the standard's "do not come back"; of the refusals only these may pass by waiting.
    if (response.status === 204) return "over";
    if (!response.ok) return response.status >= 500 || response.status === 429 ? "lost" : "over";
    if (response.body === null) return "lost";
    const parser = new ServerSentEventParser();
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    try {
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return "lost";
        this.#retryDelayMs = FIRST_RETRY_DELAY_MS;
        for (const event of parser.push(value)) {
          this.#lastEventId = event.id;
          if (event.event === "output" && !signal.aborted) {
            this.#options.onOutput(readValues(event.data));
          }
        }
      }
    } finally {
      reader.cancel().catch(() => undefined);
    }
  }
}

/** Reads JSON, or keeps the text: some of FastRTC's demos send plain words here. */
function readValues(data: string): readonly unknown[] {
  try {
    const value: unknown = JSON.parse(data);
    return Array.isArray(value) ? value : [value];
  } catch {
    return [data];
  }
}

function sleep(delayMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) {
      resolve();
      return;
    }
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, delayMs);
    signal.addEventListener("abort", done);
  });
}

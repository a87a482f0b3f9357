import { FastRTCClientError } from "./client-error.ts";

/** What one request came back with. */
export interface JsonReply {
  readonly response: Response;
  /** undefined when the body is not JSON. */
  readonly body: unknown;
}

/** One server's address and the way to ask it. */
export class Endpoint {
  readonly #base: URL;
  readonly #fetch: typeof fetch;

  /**
   * @param base - Where the server is mounted; its query is kept on every request.
   * @param fetchFunction - What to ask with.
   * @throws TypeError when `base` is relative and there is no page to resolve it against.
   */
  constructor(base: string | URL, fetchFunction?: typeof fetch) {
    this.#base = new URL(base, typeof location === "undefined" ? undefined : location.href);
    this.#base.hash = "";
    this.#base.pathname = this.#base.pathname.replace(/\/+$/, "");
    // Not `globalThis.fetch` itself: browsers refuse to run it with another `this`.
    this.#fetch = fetchFunction ?? ((input, init) => globalThis.fetch(input, init));
  }

  /** Gives the address of a route below the mount path. */
  url(route: string): string {
    const url = new URL(this.#base);
    url.pathname = `${url.pathname.replace(/\/$/, "")}${route}`;
    return url.href;
  }

  /** Gives the address of a route as messages show it: without the query, which may be a secret. */
  name(route: string): string {
    return nameOf(this.url(route));
  }

  /**
   * Asks a route below the mount path.
   *
   * @throws {@link FastRTCClientError} `network` when no answer comes; an abort stays an abort.
   */
  async request(url: string, init: RequestInit): Promise<Response> {
    try {
      return await this.#fetch(url, init);
    } catch (error) {
      init.signal?.throwIfAborted();
      throw new FastRTCClientError(
        "network",
        `The server does not answer at ${nameOf(url)}. Is it running, and is this computer online?`,
        { cause: error },
      );
    }
  }

  /** Posts JSON and reads JSON. */
  async post(route: string, value: unknown, signal?: AbortSignal): Promise<JsonReply> {
    const response = await this.request(this.url(route), {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(value),
      signal: signal ?? null,
    });
    return { response, body: await readJson(response, signal) };
  }

  /** Gets JSON. */
  async get(route: string, signal?: AbortSignal): Promise<JsonReply> {
    const response = await this.request(this.url(route), {
      headers: { accept: "application/json" },
      signal: signal ?? null,
    });
    return { response, body: await readJson(response, signal) };
  }
}

function nameOf(url: string): string {
  const { origin, pathname } = new URL(url);
  return `${origin}${pathname}`;
}

async function readJson(response: Response, signal: AbortSignal | undefined): Promise<unknown> {
  try {
    return await response.json();
  } catch {
    signal?.throwIfAborted();
    return undefined;
  }
}

import { InvalidOptionError } from "../errors.ts";

/** Which other sites' pages may use the routes. */
export interface CorsOptions {
  /**
   * Origins such as `https://app.example.com`, or `"*"` for every site. Each one can begin sessions
   * in its visitors' browsers. Cookies are never allowed across origins: send a token in a header.
   */
  readonly origins: readonly string[] | "*";
}

// How long a browser may remember a preflight, in seconds.
const PREFLIGHT_MAX_AGE = "600";

/** Decides about requests of other origins. */
export class Cors {
  readonly #origins: ReadonlySet<string> | "*";

  /**
   * @param options - Undefined allows no other origin.
   * @throws {@link InvalidOptionError} when an origin is not one.
   */
  constructor(options: CorsOptions | undefined) {
    const origins = options?.origins ?? [];
    // A string has no forEach, so one origin without its brackets is caught here too.
    if (origins !== "*" && !Array.isArray(origins)) throw invalidOrigin(origins);
    if (origins !== "*") origins.forEach(checkOrigin);
    this.#origins = origins === "*" ? origins : new Set(origins);
  }

  /**
   * Answers a preflight; without permission the browser reads its refusal from the missing headers.
   *
   * @param allow - The route's methods, as in an `Allow` header.
   */
  preflight(request: Request, allow: string): Response {
    const headers: Record<string, string> = { allow };
    if (this.#allowed(request) !== undefined) {
      headers["access-control-allow-methods"] = allow;
      headers["access-control-max-age"] = PREFLIGHT_MAX_AGE;
      const asked = request.headers.get("access-control-request-headers");
      if (asked !== null) headers["access-control-allow-headers"] = asked;
    }
    return new Response(null, { status: 204, headers });
  }

  /** Adds to a response what lets an allowed origin's page read it. */
  apply(request: Request, response: Response): void {
    // Caches must not give one origin's answer to another.
    if (this.#origins !== "*" && this.#origins.size > 0) response.headers.append("vary", "Origin");
    const allowed = this.#allowed(request);
    if (allowed === undefined) return;
    response.headers.set("access-control-allow-origin", allowed);
    response.headers.set("access-control-expose-headers", "Retry-After, Location");
  }

  /**
   * Tells whether a page may do what browsers ask no permission for: open a WebSocket, or post a
   * form. What sends no `Origin` is no browser.
   *
   * @param publicOrigin - Our own origin, where a trusted proxy has told it.
   */
  permits(request: Request, publicOrigin?: string): boolean {
    const origin = request.headers.get("origin");
    if (origin === null || this.#allowed(request) !== undefined) return true;
    // By host alone: behind a proxy that ends TLS our own scheme is not the page's.
    if (!URL.canParse(origin)) return false;
    const own = publicOrigin ?? request.url;
    return new URL(origin).host === new URL(own).host;
  }

  #allowed(request: Request): string | undefined {
    const origin = request.headers.get("origin");
    if (origin === null) return undefined;
    if (this.#origins === "*") return "*";
    return this.#origins.has(origin) ? origin : undefined;
  }
}

function checkOrigin(origin: unknown): void {
  if (typeof origin !== "string" || !isOrigin(origin)) throw invalidOrigin(origin);
}

function isOrigin(text: string): boolean {
  // "null" fails here on purpose: every sandboxed frame and every local file calls itself so.
  if (!/^[a-z][a-z0-9+.-]*:\/\/[^/?#\s]+$/.test(text)) return false;
  // Only the web's own schemes have a canonical form; capacitor://localhost has none to compare.
  return !/^https?:/.test(text) || (URL.canParse(text) && new URL(text).origin === text);
}

function invalidOrigin(origin: unknown): InvalidOptionError {
  return new InvalidOptionError(
    "cors.origins",
    origin,
    'Give origins such as "https://app.example.com", without path or slash at the end, or "*" for all.',
  );
}

import { InvalidOptionError, TransportError } from "../../errors.ts";

/** How long a carrier's API may take to answer, in milliseconds. */
export const API_TIMEOUT_MS = 5000;

/** One request to a carrier's own HTTP API. */
export interface CarrierApiRequest {
  /** Names it in errors, as in "Twilio, ending the call". */
  readonly purpose: string;
  readonly method: "POST" | "PUT" | "DELETE";
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly signal: AbortSignal;
  /** Tells whether a refusal means that what was asked for is so already. */
  readonly isDone?: (status: number, body: string) => boolean;
}

/**
 * Asks a carrier's API for something.
 *
 * @throws {@link TransportError} when it refuses, cannot be reached, or the signal aborts.
 */
export async function callCarrierApi(request: CarrierApiRequest): Promise<void> {
  const { purpose, method, url, headers, body, signal, isDone } = request;
  let response: Response;
  let text: string;
  try {
    // A redirect would take the credentials to somebody else.
    const init = { method, headers, signal, redirect: "error" } as const;
    response = await fetch(url, body === undefined ? init : { ...init, body });
    text = await response.text();
  } catch (cause) {
    throw new TransportError(`${purpose}: the carrier's API could not be reached.`, { cause });
  }
  if (response.ok || isDone?.(response.status, text) === true) return;
  throw new TransportError(
    `${purpose}: the carrier's API answered ${response.status}. ${text.slice(0, 300)}`,
  );
}

/**
 * Checks the address of a carrier's API.
 *
 * @returns it without a slash at its end.
 * @throws {@link InvalidOptionError} when it is no http URL.
 */
export function checkApiUrl(value: string): string {
  if (URL.canParse(value) && /^https?:/.test(value)) return value.replace(/\/+$/, "");
  throw new InvalidOptionError("apiUrl", value, "Give an http URL.");
}

/**
 * Checks the public origin of an application, which may have a path.
 *
 * @returns it without a slash at its end.
 * @throws {@link InvalidOptionError} when it is no http URL, or has a query.
 */
export function checkPublicUrl(value: string | undefined): string | undefined {
  if (value === undefined) return undefined;
  if (URL.canParse(value) && /^https?:\/\/[^?#]+$/.test(value)) return value.replace(/\/+$/, "");
  throw new InvalidOptionError(
    "publicUrl",
    value,
    "Give the address under which the carrier reaches this server, such as https://voice.example.com.",
  );
}

import { RefusedRequest } from "./failure.ts";

/** The most that a signaling request may weigh: 64 kB of SDP, escaped, and room for the rest. */
export const MAX_SIGNALING_BYTES = 100_000;

/**
 * Reads a request's body as one JSON object and stops reading as soon as it is too big.
 *
 * @param maxBytes - The most that is kept in memory.
 */
export async function readJsonObject(
  request: Request,
  maxBytes: number,
): Promise<Readonly<Record<string, unknown>>> {
  // A page of any other site can post text/plain or an untyped Blob to us without a preflight, but
  // not JSON: asking for it keeps strange sites away from a server on localhost.
  if (!isJson(request.headers.get("content-type"))) {
    throw new RefusedRequest(
      415,
      "invalid_request",
      "The body must be JSON: send content-type: application/json.",
    );
  }
  if (Number(request.headers.get("content-length")) > maxBytes) throw tooLarge(maxBytes);
  const value = parse(await readBytes(request, maxBytes));
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new RefusedRequest(422, "invalid_request", "The body must be a JSON object.");
  }
  return value as Readonly<Record<string, unknown>>;
}

/** Says that a body, or a part of it, is longer than we take. */
export function tooLarge(maxBytes: number): RefusedRequest {
  return new RefusedRequest(
    413,
    "invalid_request",
    `The request is too large: at most ${maxBytes} bytes.`,
  );
}

function isJson(contentType: string | null): boolean {
  const type = (contentType ?? "").split(";", 1)[0]?.trim().toLowerCase() ?? "";
  return type === "application/json" || (type.startsWith("application/") && type.endsWith("+json"));
}

/**
 * Reads a request's body and stops reading as soon as it is too big.
 *
 * @param maxBytes - The most that is kept in memory.
 */
export async function readBytes(request: Request, maxBytes: number): Promise<Uint8Array> {
  if (!request.body) return new Uint8Array();
  const reader = request.body.getReader() as ReadableStreamDefaultReader<Uint8Array>;
  const chunks: Uint8Array[] = [];
  let size = 0;
  for (;;) {
    const { done, value } = await read(reader);
    if (done) break;
    size += value.byteLength;
    if (size > maxBytes) {
      // Not awaited: a source may take its time to stop, the answer need not.
      void reader.cancel().catch(() => undefined);
      throw tooLarge(maxBytes);
    }
    chunks.push(value);
  }
  return chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks, size);
}

async function read(
  reader: ReadableStreamDefaultReader<Uint8Array>,
): ReturnType<ReadableStreamDefaultReader<Uint8Array>["read"]> {
  try {
    return await reader.read();
  } catch {
    // The client hung up; nobody will see this answer, and the server is not to blame.
    throw new RefusedRequest(400, "invalid_request", "The body broke off.");
  }
}

function parse(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    throw new RefusedRequest(400, "invalid_request", "The body is not JSON.");
  }
}

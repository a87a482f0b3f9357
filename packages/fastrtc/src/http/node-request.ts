import type { IncomingMessage } from "node:http";
import type { TLSSocket } from "node:tls";
import type { RequestInfo } from "./stream-service.ts";

/** What a framework around node:http knows better than node's own request. */
export interface NodeRequestDetails {
  /** Path and query as the client asked for them. @defaultValue `incoming.url` */
  readonly url?: string;
  /** The client's address, where a framework has looked behind its proxies. */
  readonly remoteAddress?: string;
  /** The body, where a parser has consumed the stream. */
  readonly body?: string | Uint8Array;
  /** The body's stream, where it is not `incoming` itself. */
  readonly bodyStream?: AsyncIterable<Uint8Array>;
}

// They describe the bytes on the wire, and a consumed body no longer has those.
const WIRE_HEADERS = new Set(["content-length", "content-encoding", "transfer-encoding"]);

/**
 * Makes a Fetch request of node's. The body is not touched before somebody reads it, so that the
 * request can still be handed to another listener.
 *
 * @param signal - Aborts when the client has gone.
 * @returns undefined when Fetch cannot express it: a broken Host, or a method such as TRACE.
 */
export function toFetchRequest(
  incoming: IncomingMessage,
  signal: AbortSignal,
  details: NodeRequestDetails = {},
): Request | undefined {
  const method = incoming.method ?? "GET";
  const isConsumed = details.body !== undefined;
  const headers = new Headers();
  const { rawHeaders } = incoming;
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] ?? "";
    if (isConsumed && WIRE_HEADERS.has(name.toLowerCase())) continue;
    headers.append(name, rawHeaders[index + 1] ?? "");
  }
  const hasBody = method !== "GET" && method !== "HEAD";
  const init: RequestInit & { duplex: "half" } = { method, headers, signal, duplex: "half" };
  if (hasBody) {
    init.body = (details.body ?? streamOf(incoming, details.bodyStream)) as NonNullable<
      RequestInit["body"]
    >;
  }
  try {
    return new Request(urlOf(incoming, details.url ?? incoming.url ?? "/"), init);
  } catch {
    return undefined;
  }
}

/** Reads from a node request where it came from. */
export function requestInfo(
  incoming: IncomingMessage,
  mountPath: string,
  remoteAddress: string | undefined = incoming.socket.remoteAddress,
): RequestInfo {
  const { localAddress } = incoming.socket;
  return {
    mountPath,
    ...(remoteAddress === undefined ? {} : { remoteAddress }),
    ...(localAddress === undefined ? {} : { localAddress }),
  };
}

/** Returns the path of a request target, without its query. */
export function pathnameOf(target: string): string {
  // RFC 9112 section 3.2.2: a client may ask for the absolute form, and a server must accept it.
  if (!target.startsWith("/")) return URL.canParse(target) ? new URL(target).pathname : target;
  const end = target.search(/[?#]/);
  return end < 0 ? target : target.slice(0, end);
}

function urlOf(incoming: IncomingMessage, target: string): string {
  if (!target.startsWith("/")) return target;
  const scheme = (incoming.socket as Partial<TLSSocket>).encrypted === true ? "https" : "http";
  // Joined as text: resolved as a URL, a target of "//evil.example/" would replace the host.
  return `${scheme}://${incoming.headers.host ?? "localhost"}${target}`;
}

function streamOf(
  incoming: IncomingMessage,
  source: AsyncIterable<Uint8Array> | undefined,
): ReadableStream<Uint8Array> {
  let chunks: AsyncIterator<Uint8Array> | undefined;
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        // Without destroyOnReturn: false, a reader that has seen enough would close the socket
        // that its answer has yet to take.
        chunks ??= (source ?? incoming.iterator({ destroyOnReturn: false }))[
          Symbol.asyncIterator
        ]();
        const chunk = await chunks.next();
        if (chunk.done === true) controller.close();
        else controller.enqueue(chunk.value);
      },
      async cancel() {
        await chunks?.return?.();
      },
    },
    { highWaterMark: 0 },
  );
}

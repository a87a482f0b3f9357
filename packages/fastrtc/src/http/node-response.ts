import type { IncomingMessage, ServerResponse } from "node:http";

// How long, and how much of, a refused upload is still drained, so that the client reads why it
// was refused.
const LINGER_MS = 500;
const LINGER_BYTES = 1_000_000;

/**
 * Writes a Fetch response to node's, as fast as the client takes it; cancels the body when the
 * client goes.
 *
 * @param closing - Ends event streams in good order when it aborts.
 */
export async function sendResponse(
  response: Response,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  closing?: AbortSignal,
): Promise<void> {
  if (outgoing.destroyed || outgoing.headersSent) {
    await response.body?.cancel();
    return;
  }
  if (response.status >= 400 && !incoming.complete) {
    await refuseUpload(response, incoming, outgoing);
    return;
  }
  if (closing?.aborted === true) outgoing.shouldKeepAlive = false;
  outgoing.writeHead(response.status, Object.fromEntries(response.headers));
  if (!response.body) {
    outgoing.end();
    return;
  }
  const reader = response.body.getReader() as ReadableStreamDefaultReader<Uint8Array>;
  const stop = (): void => {
    void reader.cancel().catch(() => undefined);
  };
  outgoing.once("close", stop);
  const isEventStream = response.headers.get("content-type")?.startsWith("text/event-stream");
  if (isEventStream === true) {
    if (closing?.aborted === true) stop();
    closing?.addEventListener("abort", stop, { once: true });
  }
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      if (!outgoing.write(value)) await drained(outgoing);
    }
    outgoing.end(() => {
      // The head promised to keep the connection; that was before the server began to close.
      if (closing?.aborted === true) incoming.socket.destroySoon();
    });
  } catch {
    // The head has gone out: breaking off is the only way left to say that it is not complete.
    outgoing.destroy();
  } finally {
    outgoing.off("close", stop);
    closing?.removeEventListener("abort", stop);
  }
}

function drained(outgoing: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const settle = (): void => {
      outgoing.off("drain", settle);
      outgoing.off("close", settle);
      resolve();
    };
    if (outgoing.destroyed) {
      resolve();
      return;
    }
    outgoing.once("drain", settle);
    outgoing.once("close", settle);
  });
}

// Closing a socket that holds unread bytes makes TCP reset the connection, and the client then
// loses the answer. So the answer goes out whole, what still comes is thrown away for a moment,
// and only then the connection ends.
async function refuseUpload(
  response: Response,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<void> {
  const body = Buffer.from(await response.arrayBuffer());
  outgoing.writeHead(response.status, {
    ...Object.fromEntries(response.headers),
    "content-length": body.byteLength,
    connection: "close",
  });
  outgoing.write(body);
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, LINGER_MS);
    const settle = (): void => {
      clearTimeout(timer);
      incoming.pause();
      resolve();
    };
    let left = LINGER_BYTES;
    incoming.on("data", (chunk: Buffer) => {
      left -= chunk.byteLength;
      if (left < 0) settle();
    });
    incoming.once("end", settle);
    outgoing.once("close", settle);
  });
  outgoing.end();
}

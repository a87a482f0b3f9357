/**
 * A stream in a process of its own, so that nothing but the server is measured. Every way in is open;
 * who comes in hears a tone without an end. Prints its address; then answers each line of its standard
 * input with one line of JSON, {@link Remains}. Needs `--expose-gc`. Given a public URL and an auth
 * token, it takes calls from Twilio.
 */

import { createInterface } from "node:readline";
import { ReplyOnPause, silentLogger, Stream, twilio } from "fastrtc";
import { tone } from "./tone.ts";
import { until } from "./until.ts";

/** What a server holds while nobody is connected. */
export interface Remains {
  /** After a collection of garbage. */
  readonly heapBytes: number;
  /** Outside the heap: buffers and WebAssembly. */
  readonly externalBytes: number;
  /** Sockets and timers, by node's names for them. */
  readonly resources: Readonly<Record<string, number>>;
  /** Replies that began so far. */
  readonly replies: number;
  /** Replies that were told of their session's end so far. */
  readonly endings: number;
}

/** Whole periods, so that it goes on without a click. */
const TONE = tone(500, 100);
const [publicUrl, authToken] = process.argv.slice(2);
let replies = 0;
let endings = 0;

const stream = new Stream({
  // So that what is kept for clients that may come back is gone when it is measured.
  resumeSeconds: 1,
  handler: new ReplyOnPause(
    function* () {
      // Nobody says anything here.
    },
    {
      async *startupFn({ signal }) {
        signal.addEventListener("abort", () => endings++);
        replies++;
        for (;;) {
          yield TONE;
          await new Promise((resolve) => setTimeout(resolve, 50));
        }
      },
    },
  ),
  modality: "audio",
  openaiRealtime: true,
  ...(publicUrl !== undefined && authToken !== undefined
    ? { telephone: twilio({ publicUrl, authToken }) }
    : {}),
  logger: silentLogger,
});
const { url } = await stream.launch({ port: 0 });
console.log(url);
const requests = createInterface(process.stdin)[Symbol.asyncIterator]();
while ((await requests.next()).done !== true) console.log(JSON.stringify(await remains()));
await stream.close();

async function remains(): Promise<Remains> {
  await until(() => stream.sessionCount === 0);
  // HTTP keeps connections alive for five seconds.
  await until(() => !process.getActiveResourcesInfo().includes("TCPSocketWrap"));
  for (let i = 0; i < 3; i++) {
    globalThis.gc?.();
    await new Promise((resolve) => setImmediate(resolve));
  }
  const resources: Record<string, number> = {};
  for (const name of process.getActiveResourcesInfo()) resources[name] = (resources[name] ?? 0) + 1;
  const { heapUsed, external } = process.memoryUsage();
  return { heapBytes: heapUsed, externalBytes: external, resources, replies, endings };
}

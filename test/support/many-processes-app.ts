/**
 * One of the processes that serve a stream together. Answers each turn with a beep, after it has
 * counted the turns in the session's store and in its state, and said so.
 *
 * Its argument is {@link ManyProcessesOptions} as JSON; it prints {@link ManyProcessesInfo}. Beside
 * the stream's routes it has `POST /app/{command}`, by which the test does what an application does.
 */

import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { json } from "node:stream/consumers";
import { AdditionalOutputs, createEnergyVad, ReplyOnPause, Stream } from "fastrtc";
import type { AudioFrame, HandlerOutput, Logger, ReplyCall } from "fastrtc";
import { createRedisBackplane } from "fastrtc/redis";
import { z } from "zod";
import { tone } from "./tone.ts";

/** What a process is told. */
export interface ManyProcessesOptions {
  readonly redisUrl: string;
  readonly heartbeatMs: number;
  readonly deadAfterMs: number;
  readonly concurrencyLimit: number;
  /** How long sessions may go on after SIGTERM. */
  readonly drainMs: number;
  /** The pitch of the beeps. */
  readonly beepHz: number;
}

/** What a process says of itself. */
export interface ManyProcessesInfo {
  readonly pid: number;
  readonly port: number;
}

/** What the reply to a turn says beside its beep. */
export interface TurnReport {
  readonly pid: number;
  readonly resumed: boolean;
  /** Turns, as counted in the session's store. */
  readonly stored: number;
  /** Turns, as counted in the session's state. */
  readonly inState: number;
  readonly inputs: unknown;
}

/** Whole periods of most tones, so that pieces fit. */
const PIECE_MS = 100;

const options = JSON.parse(process.argv[2] ?? "") as ManyProcessesOptions;
const { redisUrl, heartbeatMs, deadAfterMs, concurrencyLimit, drainMs, beepHz } = options;

const lines: string[] = [];
const note = (text: string): unknown => lines.push(text);
const logger: Logger = { debug: () => undefined, info: note, warn: note, error: note };

const backplane = createRedisBackplane({ url: redisUrl, heartbeatMs, deadAfterMs, logger });
const stream = new Stream({
  handler: new ReplyOnPause(answer, { model: createEnergyVad, canInterrupt: false }),
  modality: "audio",
  authenticate: (request) => request.headers.get("authorization") === "Bearer key" && { id: "ada" },
  params: z.object({ beepMs: z.number().default(300) }),
  state: () => ({ turns: 0 }),
  concurrencyLimit,
  backplane,
  logger,
});

async function* answer(_audio: AudioFrame, { inputs }: ReplyCall): AsyncGenerator<HandlerOutput> {
  const { params, resumed, state, store } = stream.getCurrentContext();
  const inState = ++state.turns;
  const stored = await store.update<number>("turns", (turns = 0) => turns + 1);
  const report: TurnReport = { pid: process.pid, resumed, stored, inState, inputs };
  yield new AdditionalOutputs(report);
  for (let saidMs = 0; saidMs < params.beepMs; saidMs += PIECE_MS) yield tone(beepHz, PIECE_MS);
}

const commands: Record<string, (id: string, value: unknown) => unknown> = {
  send: (id, value) => stream.session(id).send(value),
  close: (id) => stream.session(id).close("Good-bye."),
  describe: (id) => stream.session(id).describe(),
  turns: (id) => stream.store(id).get("turns"),
  count: () => stream.countSessions(),
  log: () => lines,
};

async function command(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { id, value } = (await json(request)) as { id: string; value: unknown };
  try {
    const result = await commands[request.url?.slice("/app/".length) ?? ""]?.(id, value);
    response.end(JSON.stringify({ result }));
  } catch (error) {
    response.statusCode = 500;
    response.end(JSON.stringify({ error: String(error) }));
  }
}

const server = createServer((request, response) => void command(request, response));
stream.mount(server);
server.listen(0, "127.0.0.1", () => {
  const { port } = server.address() as AddressInfo;
  console.log(JSON.stringify({ pid: process.pid, port } satisfies ManyProcessesInfo));
});

process.once("SIGTERM", () => {
  void stream
    .drain(drainMs)
    .then(() => backplane.close())
    .finally(() => process.exit());
});

/**
 * A speech server for tests, on this machine: OpenAI's HTTP interface over a recognizer (pocketsphinx),
 * a voice (flite), and a stand-in for a language model, which says what it is.
 *
 * It remembers what it was asked and when a client hung up, and can be slow, refuse, or talk nonsense.
 */

import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { AudioFrame } from "fastrtc";
import { createFliteTts } from "../../packages/fastrtc/src/flite.ts";
import { recognize } from "./pocketsphinx.ts";

/** What the server can do. */
export type SpeechRoute = "transcriptions" | "speech" | "chat";

/** How the server behaves on one route. */
export interface SpeechBehaviour {
  /** Time before it answers at all, in milliseconds. */
  readonly delayMs?: number;
  /** Time between two pieces of a streamed answer, in milliseconds. */
  readonly pieceDelayMs?: number;
  /** Refuses with this HTTP status. */
  readonly status?: number;
  /** With a refusal: the seconds after which to try again. */
  readonly retryAfter?: number;
  /** Answers with a web page of no meaning, and status 200. */
  readonly garbage?: boolean;
  /** Answers properly, with nothing in it. */
  readonly empty?: boolean;
  /** Breaks the connection after this many pieces of a streamed answer. */
  readonly breakAfterPieces?: number;
}

/** One request, as the server saw it. Times are those of `performance.now()`. */
export interface SpeechRequest {
  readonly route: SpeechRoute;
  /** The parameters: the JSON body, or the fields of the form without its file. */
  readonly body: Readonly<Record<string, unknown>>;
  readonly startedAt: number;
  /** When the last piece of the answer was written. */
  finishedAt?: number;
  /** When the client hung up before that. */
  disconnectedAt?: number;
  /** Pieces of a streamed answer that were written. */
  pieces: number;
}

/** Options of {@link startSpeechServer}. */
export interface SpeechServerOptions {
  /** The only key that is let in. Everybody is, without one. */
  readonly apiKey?: string;
  /** Words a second of the language model's stand-in; 20 when left out. */
  readonly wordsPerSecond?: number;
  /** What the stand-in says to the user's last words. */
  readonly reply?: (lastUserText: string, messages: readonly ChatMessage[]) => string;
  /** Which function the stand-in calls before it says anything; undefined for none. Streamed only. */
  readonly callTool?: (
    lastUserText: string,
    messages: readonly ChatMessage[],
  ) => ToolCall | undefined;
}

/** A call of a client's function. */
export interface ToolCall {
  readonly name: string;
  readonly arguments: unknown;
}

/** One message of a chat. */
export interface ChatMessage {
  readonly role: string;
  readonly content: unknown;
}

/** A speech server that listens. */
export interface SpeechServer {
  /** For `baseURL`; ends in /v1. */
  readonly url: string;
  /** What it was asked, in order. */
  readonly requests: readonly SpeechRequest[];
  /** Changes how it behaves from the next request on. */
  behave(route: SpeechRoute, behaviour: SpeechBehaviour): void;
  close(): Promise<void>;
}

const MODELS: Readonly<Record<SpeechRoute, readonly string[]>> = {
  transcriptions: ["pocketsphinx"],
  speech: ["flite"],
  chat: ["stand-in"],
};
const PIECE_MS = 100;
/** OpenAI's rate of raw PCM, in Hz. */
const PCM_RATE = 24_000;

class Refusal extends Error {
  readonly status: number;
  readonly headers: Record<string, string>;
  constructor(status: number, message: string, headers: Record<string, string> = {}) {
    super(message);
    this.status = status;
    this.headers = headers;
  }
}

/** What one request is answered with. */
interface Exchange {
  readonly request: SpeechRequest;
  readonly response: ServerResponse;
  readonly behaviour: SpeechBehaviour;
  /** Aborts when the client hangs up. */
  readonly signal: AbortSignal;
}

/** Starts a server on a free port of this machine. */
export async function startSpeechServer(options: SpeechServerOptions = {}): Promise<SpeechServer> {
  const requests: SpeechRequest[] = [];
  const behaviours = new Map<SpeechRoute, SpeechBehaviour>();

  async function handle(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const hangUp = new AbortController();
    const startedAt = performance.now();
    let request: SpeechRequest | undefined;
    response.once("close", () => {
      if (response.writableFinished) return;
      if (request) request.disconnectedAt = performance.now();
      hangUp.abort();
    });
    try {
      const route = routeOf(incoming);
      const form = await readForm(incoming);
      request = { route, body: parametersOf(form), startedAt, pieces: 0 };
      requests.push(request);
      const behaviour = behaviours.get(route) ?? {};
      await checkRequest(incoming, request, behaviour, options, hangUp.signal);
      const exchange = { request, response, behaviour, signal: hangUp.signal };
      if (behaviour.garbage) garble(response);
      else if (route === "transcriptions") await transcribe(exchange, form);
      else if (route === "speech") await speak(exchange);
      else await chat(exchange, options);
      request.finishedAt = performance.now();
    } catch (error) {
      refuse(response, error);
    }
  }

  const server = createServer((incoming, response) => void handle(incoming, response));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/v1`,
    requests,
    behave: (route, behaviour) => void behaviours.set(route, behaviour),
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      }),
  };
}

function routeOf({ method, url }: IncomingMessage): SpeechRoute {
  const routes: Readonly<Record<string, SpeechRoute>> = {
    "/v1/audio/transcriptions": "transcriptions",
    "/v1/audio/speech": "speech",
    "/v1/chat/completions": "chat",
  };
  const route = method === "POST" ? routes[url ?? ""] : undefined;
  if (!route) throw new Refusal(404, `Unknown path ${method} ${url}`);
  return route;
}

async function readForm(incoming: IncomingMessage): Promise<FormData | Record<string, unknown>> {
  const type = incoming.headers["content-type"] ?? "";
  const body = await buffer(incoming);
  if (!type.includes("multipart/")) return JSON.parse(body.toString()) as Record<string, unknown>;
  return new Response(body, { headers: { "content-type": type } }).formData();
}

function parametersOf(form: FormData | Record<string, unknown>): Record<string, unknown> {
  if (!(form instanceof FormData)) return form;
  return Object.fromEntries([...form].filter(([, value]) => typeof value === "string"));
}

async function checkRequest(
  { headers }: IncomingMessage,
  { route, body }: SpeechRequest,
  { delayMs = 0, status, retryAfter }: SpeechBehaviour,
  { apiKey }: SpeechServerOptions,
  signal: AbortSignal,
): Promise<void> {
  if (delayMs > 0) await sleep(delayMs, undefined, { signal });
  const key = headers.authorization?.replace(/^Bearer /, "");
  if (apiKey !== undefined && key !== apiKey) {
    // As OpenAI's server does, with the key in the message.
    throw new Refusal(401, `Incorrect API key provided: ${key}.`);
  }
  if (status !== undefined) {
    const wait = retryAfter === undefined ? {} : { "retry-after": String(retryAfter) };
    throw new Refusal(status, `Told to answer ${status}`, wait);
  }
  if (!MODELS[route].includes(String(body["model"]))) {
    throw new Refusal(404, `The model ${String(body["model"])} does not exist`);
  }
}

async function transcribe(
  { request, response, behaviour, signal }: Exchange,
  form: FormData | Record<string, unknown>,
): Promise<void> {
  const file = form instanceof FormData ? form.get("file") : undefined;
  if (!(file instanceof File)) throw new Refusal(400, "There is no file");
  const audio = AudioFrame.fromWav(new Uint8Array(await file.arrayBuffer()));
  const { text, words = [] } = behaviour.empty ? { text: "" } : await recognize(audio, signal);
  const timed = words.map((word) => ({
    word: word.text,
    start: word.startMs / 1000,
    end: word.endMs / 1000,
  }));
  const isVerbose = request.body["response_format"] === "verbose_json";
  sendJson(
    response,
    200,
    isVerbose ? { text, words: timed, duration: audio.durationMs / 1000 } : { text },
  );
}

async function speak(exchange: Exchange): Promise<void> {
  const { request, response, behaviour, signal } = exchange;
  const { input, response_format: format = "mp3" } = request.body;
  if (format !== "pcm" && format !== "wav") throw new Refusal(400, `Cannot make ${String(format)}`);
  const spoken = await createFliteTts().tts(String(input), { signal });
  const audio = format === "pcm" ? spoken.resample(PCM_RATE) : spoken;
  response.writeHead(200, { "content-type": format === "pcm" ? "audio/pcm" : "audio/wav" });
  if (behaviour.empty) {
    response.end();
    return;
  }
  const bytes = format === "pcm" ? audio.toBytes() : audio.toWav();
  const pieceBytes = Math.round((audio.sampleRate * 2 * PIECE_MS) / 1000) + 1;
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    await sendPiece(exchange, bytes.subarray(at, at + pieceBytes));
  }
  response.end();
}

async function chat(exchange: Exchange, options: SpeechServerOptions): Promise<void> {
  const { request, response, behaviour, signal } = exchange;
  const { wordsPerSecond = 20, reply = introduceItself } = options;
  const messages = request.body["messages"] as readonly ChatMessage[];
  const last = messages.findLast(({ role }) => role === "user")?.content;
  const lastText = typeof last === "string" ? last : JSON.stringify(last);
  const tool = options.callTool?.(lastText, messages);
  if (tool) {
    await streamToolCall(exchange, tool);
    return;
  }
  const answer = reply(lastText, messages);
  if (request.body["stream"] !== true) {
    const message = { role: "assistant", content: answer };
    sendJson(response, 200, {
      ...HEAD,
      object: "chat.completion",
      choices: [{ index: 0, message }],
    });
    return;
  }
  response.writeHead(200, { "content-type": "text/event-stream" });
  const words = behaviour.empty ? [] : (answer.match(/\s*\S+/g) ?? []);
  for (const word of words) {
    await sleep(1000 / wordsPerSecond, undefined, { signal });
    await sendChunk(exchange, { content: word });
  }
  response.end(lastChunk("stop"));
}

/** The arguments come in two pieces, as models write them. */
async function streamToolCall(exchange: Exchange, tool: ToolCall): Promise<void> {
  const { response } = exchange;
  response.writeHead(200, { "content-type": "text/event-stream" });
  const text = JSON.stringify(tool.arguments);
  const half = Math.ceil(text.length / 2);
  const head = { index: 0, id: `call_${exchange.request.startedAt}`, type: "function" };
  await sendChunk(exchange, {
    tool_calls: [{ ...head, function: { name: tool.name, arguments: text.slice(0, half) } }],
  });
  await sendChunk(exchange, {
    tool_calls: [{ index: 0, function: { arguments: text.slice(half) } }],
  });
  response.end(lastChunk("tool_calls"));
}

function sendChunk(exchange: Exchange, content: object): Promise<void> {
  const isFirst = exchange.request.pieces === 0;
  const delta = isFirst ? { role: "assistant", ...content } : content;
  return sendPiece(exchange, eventOf({ index: 0, delta, finish_reason: null }));
}

function lastChunk(reason: "stop" | "tool_calls"): string {
  return `${eventOf({ index: 0, delta: {}, finish_reason: reason })}data: [DONE]\n\n`;
}

function eventOf(choice: object): string {
  const chunk = { ...HEAD, object: "chat.completion.chunk", choices: [choice] };
  return `data: ${JSON.stringify(chunk)}\n\n`;
}

const HEAD = { id: "chatcmpl-stand-in", created: 0, model: "stand-in" } as const;

function introduceItself(lastUserText: string): string {
  return `This is a stand-in for a language model, and it cannot think. You said: ${lastUserText}`;
}

async function sendPiece(
  { request, response, behaviour, signal }: Exchange,
  piece: Uint8Array | string,
): Promise<void> {
  signal.throwIfAborted();
  if (request.pieces === behaviour.breakAfterPieces) response.destroy();
  response.write(piece);
  request.pieces++;
  if (behaviour.pieceDelayMs) await sleep(behaviour.pieceDelayMs, undefined, { signal });
}

function garble(response: ServerResponse): void {
  response.writeHead(200, { "content-type": "text/html" }).end("<h1>It works!</h1>");
}

function refuse(response: ServerResponse, error: unknown): void {
  if (response.destroyed || response.headersSent) {
    response.destroy();
    return;
  }
  const { status, headers } = error instanceof Refusal ? error : new Refusal(500, "");
  const message = error instanceof Error ? error.message : String(error);
  sendJson(response, status, { error: { message, type: "refusal" } }, headers);
}

function sendJson(
  response: ServerResponse,
  status: number,
  value: unknown,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { "content-type": "application/json", ...headers });
  response.end(JSON.stringify(value));
}

/**
 * Calls as Twilio and Telnyx do, over the network: a signed webhook, and a media socket to where its
 * answer says, with a {@link CarrierStandIn} on it.
 */

import { createHmac, randomUUID, sign } from "node:crypto";
import type { KeyObject } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import type { IncomingMessage, Server } from "node:http";
import type { AddressInfo } from "node:net";

import type { WebSocket } from "ws";

import { systemClock } from "../src/media/clock.ts";
import type { AudioFormat } from "../src/media/encoded-chunk.ts";
import { CarrierStandIn } from "./carrier-stand-in.ts";
import type { StandInOptions } from "./carrier-stand-in.ts";
import { inRealTime } from "./real-time-playout.ts";
import { openSocket } from "./socket-caller.ts";

/** A caller of a carrier's, who is connected. */
export class CarrierCaller {
  readonly sampleRate = 8000;
  readonly standIn: CarrierStandIn;
  readonly streamId: string;
  /** The close code of the server's; undefined while the socket is open. */
  closeCode: number | undefined;
  readonly #socket: WebSocket;

  constructor(socket: WebSocket, options: Omit<StandInOptions, "clock" | "link">) {
    this.#socket = socket;
    this.streamId = options.streamId;
    this.standIn = new CarrierStandIn({
      ...options,
      clock: systemClock,
      link: {
        send: (message) => socket.send(message, () => undefined),
        close: () => {
          socket.close(1000);
        },
      },
    });
    socket.on("message", (data: Buffer, isBinary) => {
      this.standIn.receive(isBinary ? data : data.toString());
    });
    socket.on("error", () => undefined);
    socket.on("close", (code) => {
      this.closeCode = code;
    });
  }

  get isClosed(): boolean {
    return this.closeCode !== undefined;
  }

  /** Sends a message as it is. */
  send(message: string | Buffer): void {
    this.#socket.send(message, () => undefined);
  }

  /** Says something in real time. */
  say(samples: Int16Array): Promise<void> {
    return inRealTime(samples, this.sampleRate, (frame) => {
      this.standIn.sendFrame(frame);
    });
  }

  /** Hangs up. */
  hangUp(): void {
    this.standIn.stop();
  }

  /** Goes without a word. */
  vanish(): void {
    this.#socket.terminate();
  }
}

/** Whom to call, and how. */
export interface TwilioCall {
  /** Where the server really is. */
  readonly origin: string;
  /** The public origin that it was configured with. */
  readonly publicUrl: string;
  /** What webhooks and sockets are signed with. */
  readonly authToken: string;
  /** @defaultValue "/telephone/incoming" */
  readonly path?: string;
  /** What the media socket is signed with. @defaultValue `authToken` */
  readonly socketToken?: string;
  /** @defaultValue a new one */
  readonly streamId?: string;
}

const FROM = "+15550100001";
const TO = "+15550100002";

/**
 * Calls as Twilio does.
 *
 * @returns the caller, before the start; or the status with which either request was refused.
 */
export async function callOverTwilio(call: TwilioCall): Promise<CarrierCaller | number> {
  const { origin, publicUrl, authToken, path = "/telephone/incoming" } = call;
  const callId = `CA${hexId()}`;
  const accountSid = "AC00000000000000000000000000000000";
  const form = { AccountSid: accountSid, CallSid: callId, CallStatus: "ringing" };
  const fields = { ...form, Direction: "inbound", From: FROM, To: TO, ApiVersion: "2010-04-01" };
  const answer = await fetch(`${origin}${path}`, {
    method: "POST",
    headers: {
      "content-type": "application/x-www-form-urlencoded",
      "x-twilio-signature": twilioSignature(authToken, `${publicUrl}${path}`, fields),
    },
    body: new URLSearchParams(fields).toString(),
  });
  if (!answer.ok) return answer.status;
  const { url, params } = streamOf(await answer.text());
  const signature = twilioSignature(call.socketToken ?? authToken, url, {});
  const headers = { "x-twilio-signature": signature };
  const socket = await openSocket(reachable(url, call), { headers });
  if (typeof socket === "number") return socket;
  const streamId = call.streamId ?? `MZ${hexId()}`;
  return new CarrierCaller(socket, { carrier: "twilio", streamId, callId, accountSid, params });
}

/** Signs a request as Twilio does. */
export function twilioSignature(
  authToken: string,
  url: string,
  fields: Readonly<Record<string, string>>,
): string {
  const sorted = Object.entries(fields).sort(([a], [b]) => (a < b ? -1 : 1));
  const text = url + sorted.map(([name, value]) => name + value).join("");
  return createHmac("sha1", authToken).update(text).digest("base64");
}

/** Reads the stream of a TwiML or TeXML answer. */
export function streamOf(xml: string): {
  readonly url: string;
  readonly params: Readonly<Record<string, string>>;
} {
  const unescape = (text: string): string =>
    text.replace(/&(amp|lt|gt|quot|apos|#\d+);/g, (_, name: string) =>
      name.startsWith("#")
        ? String.fromCharCode(Number(name.slice(1)))
        : { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" }[name as "amp"],
    );
  const parameters = xml.matchAll(/<Parameter name="([^"]*)" value="([^"]*)"\/>/g);
  return {
    url: unescape(/<Connect><Stream url="([^"]*)"/.exec(xml)?.[1] ?? ""),
    params: Object.fromEntries(
      [...parameters].map(([, name = "", value = ""]) => [unescape(name), unescape(value)]),
    ),
  };
}

/** A command that the application has given. */
export interface TelnyxCommand {
  readonly callId: string;
  readonly action: string;
  readonly authorization: string | undefined;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** Telnyx's API, as far as calls need it. */
export class TelnyxApi {
  readonly commands: TelnyxCommand[] = [];
  /** What the next commands are answered with. */
  answer: { readonly status: number; readonly body: string } = {
    status: 200,
    body: '{"data":{"result":"ok"}}',
  };
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
    server.on("request", (request: IncomingMessage, response) => {
      void this.#take(request).then(({ status, body }) => response.writeHead(status).end(body));
    });
  }

  static async start(): Promise<TelnyxApi> {
    const server = createServer();
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return new TelnyxApi(server);
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/v2`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #take(request: IncomingMessage): Promise<TelnyxApi["answer"]> {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    const [, callId = "", action = ""] =
      /^\/v2\/calls\/([^/]+)\/actions\/(\w+)$/.exec(request.url ?? "") ?? [];
    const fields = JSON.parse(Buffer.concat(parts).toString()) as TelnyxCommand["fields"];
    const { authorization } = request.headers;
    this.commands.push({ callId: decodeURIComponent(callId), action, authorization, fields });
    return this.answer;
  }
}

/** Whom to call, and how. */
export interface TelnyxCall {
  readonly origin: string;
  readonly publicUrl: string;
  readonly api: TelnyxApi;
  /** What webhooks are signed with. */
  readonly privateKey: KeyObject;
  /** Seconds since the epoch. @defaultValue now */
  readonly timestamp?: number;
  /** What the media socket brings. @defaultValue what the application has asked for */
  readonly token?: string;
  readonly streamId?: string;
  /** How the caller's audio comes. @defaultValue mu-law of 8 kHz */
  readonly inputFormat?: AudioFormat;
}

/**
 * Calls as Telnyx does.
 *
 * @returns the caller, before the start; or the status with which either request was refused.
 */
export async function callOverTelnyx(call: TelnyxCall): Promise<CarrierCaller | number> {
  const { origin, api, inputFormat } = call;
  const callId = `v3:${randomUUID()}`;
  const payload = { call_control_id: callId, direction: "incoming", from: FROM, to: TO };
  const body = JSON.stringify({ data: { event_type: "call.initiated", payload } });
  const answer = await fetch(`${origin}/telephone/incoming`, {
    method: "POST",
    headers: telnyxHeaders(call.privateKey, body, call.timestamp),
    body,
  });
  if (!answer.ok) return answer.status;
  const fields = api.commands.find((command) => command.callId === callId)?.fields ?? {};
  const token = call.token ?? String(fields["stream_auth_token"]);
  const headers = { "x-telnyx-streaming-auth-token": token };
  const socket = await openSocket(reachable(String(fields["stream_url"]), call), { headers });
  if (typeof socket === "number") return socket;
  const parameters = (fields["custom_parameters"] ?? []) as { name: string; value: string }[];
  return new CarrierCaller(socket, {
    carrier: "telnyx",
    streamId: call.streamId ?? randomUUID(),
    callId,
    from: FROM,
    to: TO,
    params: Object.fromEntries(parameters.map(({ name, value }) => [name, value])),
    ...(inputFormat ? { inputFormat } : {}),
  });
}

/** Signs a webhook as Telnyx does. */
export function telnyxHeaders(
  privateKey: KeyObject,
  body: string,
  timestamp: number = Math.floor(Date.now() / 1000),
): Record<string, string> {
  const signature = sign(null, Buffer.from(`${timestamp}|${body}`), privateKey);
  return {
    "content-type": "application/json",
    "telnyx-timestamp": String(timestamp),
    "telnyx-signature-ed25519": signature.toString("base64"),
  };
}

function reachable(
  url: string,
  { origin, publicUrl }: { readonly origin: string; readonly publicUrl: string },
): string {
  return url.replace(publicUrl.replace("http", "ws"), origin.replace("http", "ws"));
}

function hexId(): string {
  return randomUUID().replaceAll("-", "");
}

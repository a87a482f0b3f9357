import { createHmac, randomInt, randomUUID } from "node:crypto";

import { createMulawDecoder, createMulawEncoder } from "../src/codec/mulaw.ts";
import { bytesOf, samplesOf } from "./real-time-playout.ts";
import { openSocket, SocketCaller } from "./socket-caller.ts";

/** Where {@link callOverPlivo} calls. */
export interface PlivoCall {
  /** The webhook's address, at which the server really is. */
  readonly webhookUrl: string;
  /** The public origin, which is what Plivo signs and what the server answers. */
  readonly publicUrl: string;
  readonly authToken: string;
  readonly from: string;
  readonly to: string;
  /** Opens the media socket at another address than the one that was answered. */
  readonly mediaUrl?: (answered: string) => string;
  /** Whether it leaves out the message that begins the call. @defaultValue false */
  readonly isMute?: boolean;
}

/**
 * Calls as Plivo does: a signed webhook, and an unsigned WebSocket to where its XML says.
 *
 * @returns the caller, or the status with which either was refused.
 */
export async function callOverPlivo(call: PlivoCall): Promise<SocketCaller | number> {
  const { webhookUrl, publicUrl, authToken, from, to } = call;
  const { origin } = new URL(webhookUrl);
  const callId = randomUUID();
  const fields = { CallUUID: callId, Direction: "inbound", From: from, To: to };
  const nonce = String(randomInt(1e12));
  const sorted = Object.entries(fields).flat().join("");
  const signed = `${webhookUrl.replace(origin, publicUrl)}?${sorted}.${nonce}`;
  const answer = await fetch(webhookUrl, {
    method: "POST",
    headers: {
      "x-plivo-signature-v3": createHmac("sha256", authToken).update(signed).digest("base64"),
      "x-plivo-signature-v3-nonce": nonce,
    },
    body: new URLSearchParams(fields),
  });
  if (!answer.ok) return answer.status;
  const xml = await answer.text();
  const [, attributes = "", address = ""] = /<Stream ([^>]*)>([^<]*)<\/Stream>/.exec(xml)!;
  const attribute = (name: string): string => new RegExp(`${name}="([^"]*)"`).exec(attributes)![1]!;
  const local = address.replace(publicUrl.replace("http", "ws"), origin.replace("http", "ws"));
  const socket = await openSocket(call.mediaUrl?.(local) ?? local, {});
  if (typeof socket === "number") return socket;
  const [encoding, rate] = attribute("contentType").split(";rate=") as [string, string];
  const sampleRate = Number(rate);
  const isMulaw = encoding === "audio/x-mulaw";
  const encoder = createMulawEncoder({ sampleRate });
  const decoder = createMulawDecoder({ sampleRate });
  const extra_headers = attribute("extraHeaders");
  const streamId = randomUUID();
  let sequenceNumber = 1;
  const event = (name: string, rest: object): string =>
    JSON.stringify({ event: name, sequenceNumber: sequenceNumber++, streamId, ...rest });
  const caller = new SocketCaller(socket, {
    sessionId: streamId,
    sampleRate,
    frame: (samples) => {
      const bytes = isMulaw ? Buffer.from(encoder.encode(samples)) : bytesOf(samples);
      const payload = bytes.toString("base64");
      const media = {
        track: "inbound",
        timestamp: String(Date.now()),
        chunk: sequenceNumber,
        payload,
      };
      return event("media", { media, extra_headers });
    },
    key: (digit) =>
      event("dtmf", { dtmf: { track: "inbound", digit, timestamp: String(Date.now()) } }),
    markEcho: (name) => event("playedStream", { name }),
    goodbye: event("stop", {}),
    take: (message, self) => {
      const order = JSON.parse(String(message)) as {
        event: string;
        streamId?: string;
        name?: string;
        media?: { contentType: string; sampleRate: number; payload: string };
      };
      const isOurs = order.event === "playAudio" || order.streamId === streamId;
      if (order.event === "playAudio" && order.media) {
        const { media } = order;
        if (media.contentType !== encoding || media.sampleRate !== sampleRate) {
          self.complaints.push(`codec changed to ${media.contentType} ${media.sampleRate}`);
        }
        const bytes = Buffer.from(media.payload, "base64");
        self.playout.push(isMulaw ? decoder.decode(bytes).slice() : samplesOf(bytes));
      } else if (order.event === "checkpoint" && isOurs) {
        self.playout.mark(order.name!);
      } else if (order.event === "clearAudio" && isOurs) {
        self.flush();
        self.send(event("clearedAudio", {}));
      } else {
        self.complaints.push(`unknown: ${String(message)}`);
      }
    },
  });
  const mediaFormat = { encoding, sampleRate };
  const start = { callId, streamId, accountId: "MA1", tracks: ["inbound"], mediaFormat };
  if (call.isMute) return caller;
  caller.send(JSON.stringify({ event: "start", sequenceNumber: 0, start, extra_headers }));
  return caller;
}

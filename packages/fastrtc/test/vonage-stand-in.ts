import { createHash, createHmac, randomUUID } from "node:crypto";

import { bytesOf, samplesOf } from "./real-time-playout.ts";
import { openSocket, SocketCaller } from "./socket-caller.ts";

/** Where {@link callOverVonage} calls. */
export interface VonageCall {
  /** The webhook's address, at which the server really is. */
  readonly webhookUrl: string;
  /** The public origin in what the server answers. */
  readonly publicUrl: string;
  readonly signatureSecret: string;
  readonly from: string;
  readonly to: string;
  /** Whether it leaves out the message that begins the call. @defaultValue false */
  readonly isMute?: boolean;
}

interface Ncco {
  readonly endpoint: readonly {
    readonly uri: string;
    readonly "content-type": string;
    readonly headers: Readonly<Record<string, string>>;
  }[];
}

/**
 * Calls as Vonage does: a signed webhook, and a signed WebSocket to where its NCCO says.
 *
 * @returns the caller, or the status with which either was refused.
 */
export async function callOverVonage(call: VonageCall): Promise<SocketCaller | number> {
  const { webhookUrl, publicUrl, signatureSecret, from, to } = call;
  const callId = randomUUID();
  const body = JSON.stringify({ from, to, uuid: callId, conversation_uuid: "CON-1" });
  const answer = await fetch(webhookUrl, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      authorization: `Bearer ${vonageToken(signatureSecret, body)}`,
    },
    body,
  });
  if (!answer.ok) return answer.status;
  const [action] = (await answer.json()) as readonly Ncco[];
  const { uri, headers, "content-type": type } = action!.endpoint[0]!;
  const url = uri.replace(
    publicUrl.replace("http", "ws"),
    new URL(webhookUrl).origin.replace("http", "ws"),
  );
  const authorization = `Bearer ${vonageToken(signatureSecret, "")}`;
  const socket = await openSocket(url, { headers: { authorization } });
  if (typeof socket === "number") return socket;
  const sampleRate = Number(/rate=(\d+)/.exec(type)![1]);
  const frameBytes = sampleRate / 25;
  const caller = new SocketCaller(socket, {
    sessionId: callId,
    sampleRate,
    frame: bytesOf,
    key: (digit) => JSON.stringify({ event: "websocket:dtmf", digit, duration: 260 }),
    markEcho: (name) => JSON.stringify({ event: "websocket:notify", payload: { name } }),
    take: (message, self) => {
      if (typeof message !== "string") {
        if (message.length === frameBytes) {
          self.playout.push(samplesOf(message));
          return;
        }
        self.complaints.push(
          `unexpected frame size ${message.length}, when required ${frameBytes}`,
        );
        self.vanish();
        return;
      }
      const order = JSON.parse(message) as { action?: string; payload?: { name: string } };
      if (order.action === "clear") {
        self.flush();
        self.send('{"event":"websocket:cleared"}');
      } else if (order.action === "notify") {
        self.playout.mark(order.payload!.name);
      } else {
        self.complaints.push(`unknown: ${message}`);
      }
    },
  });
  const start = { event: "websocket:connected", "content-type": type, ...headers };
  if (!call.isMute) caller.send(JSON.stringify(start));
  return caller;
}

/** Makes a token as Vonage signs its webhooks and sockets. */
function vonageToken(secret: string, body: string): string {
  const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  const claims = {
    iat: Math.floor(Date.now() / 1000),
    jti: randomUUID(),
    iss: "Vonage",
    api_key: "abcd1234",
    payload_hash: createHash("sha256").update(body).digest("hex"),
  };
  const signed = `${part({ alg: "HS256", typ: "JWT" })}.${part(claims)}`;
  return `${signed}.${createHmac("sha256", secret).update(signed).digest("base64url")}`;
}

/**
 * Clients that mean harm, in a process of their own, so that who listens elsewhere hears the server
 * and not them. Given the server's address, it does its worst for each line of its standard input and
 * prints what became of it, an {@link Outcome}.
 */

import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { connect } from "node:net";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { WebSocket, type ClientOptions } from "ws";
import { twilioSignature } from "../../packages/fastrtc/test/carrier-calls.ts";

/** How each kind of harm ended: how often with which close code or HTTP status. */
export type Outcome = Readonly<Record<string, Readonly<Record<string, number>>>>;

/** Half-open sockets of each kind; a thousand together. */
const HALF_OPEN = { websocket: 450, telephone: 450, unfinished: 100 } as const;
const BATCH = 50;
/** So often each kind of bad message, by sockets of their own. */
const TIMES = 3;
const TEN_MEGABYTES = 10_000_000;

const [url = "", publicUrl = "", authToken = ""] = process.argv.slice(2);
const socketUrl = url.replace("http", "ws");
const OFFER = `${socketUrl}websocket/offer`;
const REALTIME = `${socketUrl}v1/realtime`;
const TELEPHONE = `${socketUrl}telephone/handler`;
const signed = (token: string): ClientOptions => ({
  headers: {
    "x-twilio-signature": twilioSignature(
      token,
      `${publicUrl.replace("http", "ws")}/telephone/handler`,
      {},
    ),
  },
});

async function doHarm(): Promise<Outcome> {
  const outcome: Record<string, Record<string, number>> = {};
  const note = (what: string, end: number): void => {
    const ends = (outcome[what] ??= {});
    ends[end] = (ends[end] ?? 0) + 1;
  };
  const letGo = await openHalf();
  for (let time = 0; time < TIMES; time++) {
    for (const [what, harm] of Object.entries(HARM)) note(what, await harm());
  }
  await letGo();
  return outcome;
}

/** Opens sockets that never say what they are there for. */
async function openHalf(): Promise<() => Promise<void>> {
  const open: { readonly terminate: () => void; readonly closed: Promise<unknown> }[] = [];
  const openSockets = async (count: number, address: string, options = {}): Promise<void> => {
    for (let done = 0; done < count; done += BATCH) {
      const sockets = Array.from({ length: BATCH }, () => new WebSocket(address, options));
      await Promise.all(sockets.map((socket) => once(socket, "open")));
      for (const socket of sockets) {
        open.push({ terminate: () => socket.terminate(), closed: once(socket, "close") });
      }
    }
  };
  await openSockets(HALF_OPEN.websocket, OFFER);
  await openSockets(HALF_OPEN.telephone, TELEPHONE, signed(authToken));
  const { hostname, port } = new URL(url);
  for (let i = 0; i < HALF_OPEN.unfinished; i++) {
    const socket = connect(Number(port), hostname).on("error", () => undefined);
    socket.write("GET /websocket/offer HTTP/1.1\r\nupgrade: websocket\r\n");
    open.push({ terminate: () => socket.destroy(), closed: once(socket, "close") });
  }
  return async () => {
    for (const { terminate } of open) terminate();
    await Promise.all(open.map(({ closed }) => closed));
  };
}

const start = (): string => JSON.stringify({ event: "start", websocket_id: randomUUID() });
const BAD_AUDIO = JSON.stringify({ event: "media", media: { payload: "not base64!" } });
const MEDIA = JSON.stringify({ event: "media", media: { payload: "AAAA" } });
const text = "x".repeat(TEN_MEGABYTES);
const json = { "content-type": "application/json" };
const form = { "content-type": "application/x-www-form-urlencoded" };

/** Each does one kind of harm, and returns the close code or the status that it came to. */
const HARM: Readonly<Record<string, () => Promise<number>>> = {
  "10 MB of text": () => send(OFFER, {}, [start(), text]),
  "10 MB of bytes": () => send(OFFER, {}, [start(), Buffer.alloc(TEN_MEGABYTES)]),
  "10 MB before the start": () => send(OFFER, {}, [text]),
  "10 MB on a telephone": () => send(TELEPHONE, signed(authToken), [text]),
  "10 MB of JSON in an offer": () => post("webrtc/offer", json, JSON.stringify({ sdp: text })),
  "10 MB in a webhook": () => post("telephone/incoming", form, text),
  "malformed JSON in an offer": () => post("webrtc/offer", json, "{"),
  "malformed JSON, again and again": () =>
    send(OFFER, {}, [start(), ...Array<string>(40).fill("{")]),
  "audio that is not base64": () =>
    send(OFFER, {}, [start(), ...Array<string>(40).fill(BAD_AUDIO)]),
  "malformed JSON in the Realtime protocol": () =>
    send(REALTIME, {}, Array<string>(40).fill("{"), 300),
  "media before the start": () => send(OFFER, {}, [MEDIA]),
  "media before the start of a call": () => send(TELEPHONE, signed(authToken), [MEDIA]),
  "start twice": () => send(OFFER, {}, [start(), start()]),
  "a forged webhook": () =>
    post(
      "telephone/incoming",
      {
        ...form,
        "x-twilio-signature": twilioSignature("guess", `${publicUrl}/telephone/incoming`, {}),
      },
      "CallSid=CA1",
    ),
  "a forged media socket": () => send(TELEPHONE, signed("guess"), []),
};

async function post(
  route: string,
  headers: Readonly<Record<string, string>>,
  body: string,
): Promise<number> {
  // A server that has read enough answers, and closes; then there may be nothing to read.
  const answer = await fetch(url + route, { method: "POST", headers, body }).catch(() => undefined);
  await answer?.body?.cancel();
  return answer?.status ?? 0;
}

/** @param leaveMs - When the client itself goes; left out, it waits for the server. */
async function send(
  address: string,
  options: ClientOptions,
  messages: readonly (string | Buffer)[],
  leaveMs?: number,
): Promise<number> {
  const socket = new WebSocket(address, options).on("error", () => undefined);
  const ended = new Promise<number>((resolve) => {
    socket.on("close", resolve);
    socket.on("unexpected-response", (_request, response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
  });
  socket.on("open", () => {
    for (const message of messages) socket.send(message, () => undefined);
  });
  if (leaveMs !== undefined) {
    await sleep(leaveMs);
    socket.close(1000);
  }
  return await ended;
}

const orders = createInterface(process.stdin)[Symbol.asyncIterator]();
while ((await orders.next()).done !== true) console.log(JSON.stringify(await doHarm()));

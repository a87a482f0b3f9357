import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { chromium, type Browser, type Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { RtcPeer, RtcPeerState } from "./backend.ts";
import { createWeriftBackend } from "./werift.ts";

interface Session {
  readonly peer: RtcPeer;
  readonly states: RtcPeerState[];
  readonly texts: string[];
  received: number;
  channelClosedAt: number | undefined;
}

/** What the page keeps between calls. */
interface PageSession {
  connection: RTCPeerConnection;
  channel: RTCDataChannel;
  texts: string[];
  streams: number;
  connectMs: number;
}

const FLAGS =
  "--headless=new --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync --use-fake-device-for-media-stream --use-fake-ui-for-media-stream";

const sessions = new Map<string, Session>();
let http: Server;
let browser: Browser;
let page: Page;

beforeAll(async () => {
  http = createServer((request, response) => {
    void answer(request).then((text) => response.end(text));
  });
  await new Promise<void>((resolve) => {
    http.listen(0, "127.0.0.1", resolve);
  });
  browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: FLAGS.split(" ") });
  page = await browser.newPage();
  await page.goto(`http://127.0.0.1:${(http.address() as AddressInfo).port}/`);
});

afterEach(async () => {
  await Promise.all([...sessions.values()].map(({ peer }) => peer.close()));
  sessions.clear();
});

afterAll(async () => {
  await browser.close();
  await new Promise((resolve) => {
    http.close(resolve);
  });
});

// Signaling as a client of ours would do it; the server echoes all that it hears.
async function answer(request: IncomingMessage): Promise<string> {
  if (request.method !== "POST") return "<!doctype html><title>test</title>";
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  const { id, sdp, candidate } = JSON.parse(Buffer.concat(parts).toString()) as Record<
    string,
    string | undefined
  >;
  const session = sessions.get(id!) ?? createSession(id!);
  if (sdp !== undefined) return session.peer.answer(sdp);
  await session.peer.addCandidate(candidate!, "0", 0);
  return "";
}

function createSession(id: string): Session {
  const peer = createWeriftBackend().createPeer(
    { iceServers: [], audioDirection: "sendrecv", includeLoopback: true },
    {
      onStateChange: (state) => session.states.push(state),
      onRtp: (packet) => {
        session.received++;
        peer.sendRtp(packet);
      },
      onChannelOpen: () => undefined,
      onChannelMessage: (text) => {
        session.texts.push(text);
        peer.sendText(`echo ${text}`);
      },
      onChannelClosed: () => {
        session.channelClosedAt = performance.now();
      },
    },
  );
  const session: Session = { peer, states: [], texts: [], received: 0, channelClosedAt: undefined };
  sessions.set(id, session);
  return session;
}

type Mode = "whole" | "trickle" | "none";

async function open(id: string, mode: Mode): Promise<void> {
  await page.evaluate(
    async ([id, mode]) => {
      const post = async (body: object): Promise<string> => {
        const response = await fetch("/", {
          method: "POST",
          body: JSON.stringify({ id, ...body }),
        });
        return response.text();
      };
      const connection = new RTCPeerConnection();
      const stream = await navigator.mediaDevices.getUserMedia({ audio: true });
      for (const track of stream.getTracks()) connection.addTrack(track, stream);
      const channel = connection.createDataChannel("text");
      const session: PageSession = { connection, channel, texts: [], streams: 0, connectMs: 0 };
      Object.assign(globalThis, { session });
      channel.onmessage = (event) => session.texts.push(event.data as string);
      connection.ontrack = (event) => (session.streams = event.streams.length);
      const gathered = new Promise<void>((resolve) => {
        connection.onicecandidate = ({ candidate }) => {
          if (!candidate) resolve();
          else if (mode === "trickle") void post({ candidate: candidate.candidate });
        };
      });
      const opened = new Promise((resolve) => (channel.onopen = resolve));
      await connection.setLocalDescription();
      if (mode === "whole") await gathered;
      let sdp = connection.localDescription?.sdp ?? "";
      if (mode !== "whole") sdp = sdp.replace(/a=candidate.*\r\n/g, "");
      const answer = await post({ sdp });
      const startedAt = performance.now();
      await connection.setRemoteDescription({ type: "answer", sdp: answer });
      await opened;
      session.connectMs = performance.now() - startedAt;
    },
    [id, mode] as const,
  );
}

async function packetsHeard(): Promise<number> {
  return page.evaluate(async () => {
    const { session } = globalThis as unknown as { session: PageSession };
    const stats = (await session.connection.getStats()) as Map<
      string,
      { type: string; packetsReceived: number }
    >;
    return [...stats.values()].find((one) => one.type === "inbound-rtp")?.packetsReceived ?? 0;
  });
}

async function until(
  condition: () => boolean | Promise<boolean>,
  timeoutMs = 10_000,
): Promise<void> {
  const end = performance.now() + timeoutMs;
  while (!(await condition())) {
    if (performance.now() > end) throw new Error("The condition did not come true in time.");
    await new Promise((resolve) => {
      setTimeout(resolve, 20);
    });
  }
}

describe("the werift backend and Chromium", () => {
  it.each(["whole", "trickle", "none"] as const)(
    "carry audio and text both ways, with candidates told: %s",
    async (mode) => {
      await open(mode, mode);
      const session = sessions.get(mode)!;
      await until(async () => (await packetsHeard()) > 50);
      expect(session.received).toBeGreaterThan(50);
      await page.evaluate(() => {
        (globalThis as unknown as { session: PageSession }).session.channel.send("hello");
      });
      const seen = async (): Promise<Pick<PageSession, "texts" | "streams">> =>
        page.evaluate(() => {
          const { texts, streams } = (globalThis as unknown as { session: PageSession }).session;
          return { texts, streams };
        });
      await until(async () => (await seen()).texts.length > 0);
      expect(session.texts).toEqual(["hello"]);
      expect(await seen()).toEqual({ texts: ["echo hello"], streams: 1 });
      expect(session.states).toEqual(["connecting", "connected"]);
    },
  );

  it("keep media going through an ICE restart", async () => {
    await open("restart", "whole");
    const session = sessions.get("restart")!;
    await until(() => session.received > 20);
    await page.evaluate(async () => {
      const { connection } = (globalThis as unknown as { session: PageSession }).session;
      const gathered = new Promise<void>((resolve) => {
        connection.onicecandidate = ({ candidate }) => {
          if (!candidate) resolve();
        };
      });
      await connection.setLocalDescription(await connection.createOffer({ iceRestart: true }));
      await gathered;
      const body = JSON.stringify({ id: "restart", sdp: connection.localDescription?.sdp });
      const response = await fetch("/", { method: "POST", body });
      await connection.setRemoteDescription({ type: "answer", sdp: await response.text() });
    });
    const [received, heard] = [session.received, await packetsHeard()];
    await until(
      async () => session.received > received + 100 && (await packetsHeard()) > heard + 100,
    );
    expect(session.states).toEqual(["connecting", "connected"]);
  });

  it("know of each other's round trip", async () => {
    await open("stats", "whole");
    const session = sessions.get("stats")!;
    await until(() => session.peer.stats().outboundLossShare !== undefined);
    expect(session.peer.stats().roundTripMs).toBeLessThan(1000);
    await until(() =>
      page.evaluate(async () => {
        const { connection } = (globalThis as unknown as { session: PageSession }).session;
        const stats = (await connection.getStats()) as Map<
          string,
          { type: string; roundTripTime?: number }
        >;
        return [...stats.values()].some(
          (one) => one.type === "remote-inbound-rtp" && one.roundTripTime !== undefined,
        );
      }),
    );
  });

  it("notice at once when the page closes its connection", async () => {
    await open("close", "whole");
    const session = sessions.get("close")!;
    await page.evaluate(() => {
      (globalThis as unknown as { session: PageSession }).session.connection.close();
    });
    const closedAt = performance.now();
    await until(() => session.channelClosedAt !== undefined, 1000);
    expect(session.channelClosedAt! - closedAt).toBeLessThan(500);
  });

  it("never wait for a lost first flight: twenty connections, none slower than half a second", async () => {
    const times: number[] = [];
    for (let index = 0; index < 20; index++) {
      await open(`many-${index}`, index % 2 === 0 ? "whole" : "none");
      times.push(
        await page.evaluate(() => {
          const { session } = globalThis as unknown as { session: PageSession };
          session.connection.close();
          return session.connectMs;
        }),
      );
    }
    expect(Math.max(...times)).toBeLessThan(500);
  });
});

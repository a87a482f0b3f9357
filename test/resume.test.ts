/** The built-in page loses its path to the server, or is loaded again, and its session goes on. */

import { getCurrentContext, silentLogger, Stream } from "fastrtc";
import type { Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { launchChromium, type TestBrowser } from "./browser/launch-chromium.ts";
import { startCutProxy, type CutProxy } from "./support/cut-proxy.ts";
import { EchoHandler } from "./support/echo-handler.ts";

let chromium: TestBrowser;
let stream: Stream;
let page: Page;
let proxy: CutProxy | undefined;
/** What each session knew of itself when its handler started. */
let begun: { readonly webrtcId: string; readonly resumed: boolean; readonly count: unknown }[];

/** Counts how often the session has begun, in its own state. */
class CountingHandler extends EchoHandler {
  override copy(): CountingHandler {
    return new CountingHandler();
  }

  override startUp(): void {
    const { webrtcId, resumed, state } = getCurrentContext<{ state: { count?: number } }>();
    state.count = (state.count ?? 0) + 1;
    begun.push({ webrtcId, resumed, count: state.count });
  }
}

beforeAll(async () => {
  chromium = await launchChromium();
});
afterEach(async () => {
  for (const context of chromium.browser.contexts()) await context.close();
  await proxy?.close();
  proxy = undefined;
  await stream.close();
});
afterAll(() => chromium.close());

async function serve(): Promise<string> {
  begun = [];
  stream = new Stream({
    handler: new CountingHandler(),
    modality: "audio",
    logger: silentLogger,
  });
  return (await stream.launch({ port: 0 })).url;
}

async function open(url: string, transport: "webrtc" | "websocket"): Promise<void> {
  page = await chromium.newPage();
  await page.addInitScript(installBreakablePaths);
  await page.goto(url);
  await page.getByTestId("transport").selectOption(transport);
  await page.getByTestId("start").click();
  await hasState("connected");
}

function hasState(state: string): Promise<unknown> {
  return page.waitForSelector(`[data-testid="state"][data-state="${state}"]`);
}

function hasResumed(): Promise<unknown> {
  return page.waitForSelector(`[data-testid="state"][data-state="connected"][data-resumed]`);
}

/** Sound comes back, so the whole way works. */
async function isHeard(): Promise<void> {
  await page.waitForFunction(
    () => (window as unknown as { fastrtc: { outputLevel: number } }).fastrtc.outputLevel > 0.3,
  );
}

const sessionId = (): Promise<string> => page.getByTestId("session-id").innerText();

// Runs in the page. A path of UDP cannot be cut from outside, so the page's newest peer connection
// is made to believe it: it fails, and finds no other path.
function installBreakablePaths(): void {
  let newest: BreakableConnection | undefined;
  class BreakableConnection extends RTCPeerConnection {
    isBroken = false;

    constructor(configuration?: RTCConfiguration) {
      super(configuration);
      // eslint-disable-next-line @typescript-eslint/no-this-alias
      newest = this;
    }

    override get connectionState(): RTCPeerConnectionState {
      return this.isBroken ? "failed" : super.connectionState;
    }

    override createOffer(options?: unknown): Promise<never> {
      if (this.isBroken) return Promise.reject(new Error("There is no path."));
      return super.createOffer(options as RTCOfferOptions) as Promise<never>;
    }
  }
  window.RTCPeerConnection = BreakableConnection;
  Object.assign(window, {
    breakPath: () => {
      if (newest === undefined) throw new Error("There is no path to break.");
      newest.isBroken = true;
      newest.dispatchEvent(new Event("connectionstatechange"));
    },
  });
}

describe("a session whose path is lost", () => {
  it("goes on over WebRTC under its id, with its state", async () => {
    await open(await serve(), "webrtc");
    const id = await sessionId();
    await page.evaluate(() => {
      (window as unknown as { breakPath(): void }).breakPath();
    });
    await hasResumed();
    expect(await sessionId()).toBe(id);
    expect(begun).toEqual([
      { webrtcId: id, resumed: false, count: 1 },
      { webrtcId: id, resumed: true, count: 2 },
    ]);
    await isHeard();
    expect(stream.sessionCount).toBe(1);
  });

  it("goes on over a WebSocket once the network is back", async () => {
    proxy = await startCutProxy(await serve());
    await open(proxy.url, "websocket");
    const id = await sessionId();
    await isHeard();
    proxy.cut();
    await hasState("reconnecting");
    await page.waitForTimeout(1500);
    expect(await page.getByTestId("state").getAttribute("data-state")).toBe("reconnecting");
    proxy.mend();
    await hasResumed();
    expect(begun.at(-1)).toEqual({ webrtcId: id, resumed: true, count: 2 });
    await isHeard();
    expect(stream.sessionCount).toBe(1);
  });

  it("ends with a clear word when a restarted server does not know it any more", async () => {
    const url = await serve();
    proxy = await startCutProxy(url);
    await open(proxy.url, "websocket");
    proxy.cut();
    await hasState("reconnecting");
    await stream.close();
    const { port } = new URL(url);
    begun = [];
    stream = new Stream({
      handler: new CountingHandler(),
      modality: "audio",
      logger: silentLogger,
    });
    await stream.launch({ port: Number(port) });
    proxy.mend();
    await hasState("failed");
    expect(await page.getByTestId("help").innerText()).toContain("does not go on");
    expect(begun).toEqual([]);
  });
});

describe("a page that is loaded again", () => {
  it.each(["webrtc", "websocket"] as const)(
    "goes on with its session over %s, given its id and token",
    async (transport) => {
      await open(await serve(), transport);
      const kept = await page.evaluate(() => {
        const { webrtcId, sessionToken } = (
          window as unknown as { fastrtc: { webrtcId: string; sessionToken: string } }
        ).fastrtc;
        return { webrtcId, sessionToken };
      });
      await page.reload();
      await page.evaluate(
        (options) => {
          const { fastrtc } = window as unknown as {
            fastrtc: { connect(options: unknown): Promise<void> };
          };
          return fastrtc.connect(options);
        },
        { ...kept, transport },
      );
      await hasResumed();
      expect(begun.at(-1)).toEqual({ webrtcId: kept.webrtcId, resumed: true, count: 2 });
      await isHeard();
    },
  );

  it("gets nowhere with another session's id, or a forged token", async () => {
    await open(await serve(), "webrtc");
    const id = await sessionId();
    const stranger = await chromium.newPage();
    await stranger.goto(page.url());
    const code = await stranger.evaluate(async (webrtcId) => {
      const { fastrtc } = window as unknown as {
        fastrtc: { connect(options: unknown): Promise<void> };
      };
      try {
        await fastrtc.connect({ webrtcId, sessionToken: "forged" });
        return "connected";
      } catch (error) {
        return (error as { code?: string }).code;
      }
    }, id);
    expect(code).toBe("resume-refused");
    expect(stream.sessionCount).toBe(1);
    await isHeard();
  });
});

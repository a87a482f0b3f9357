/** A whole session beside an application's own routes, below a path. */

import { once } from "node:events";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import express from "express";
import { silentLogger, Stream } from "fastrtc";
import { afterAll, beforeAll, expect, it } from "vitest";
import { launchChromium, type TestBrowser } from "./browser/launch-chromium.ts";
import { EchoHandler } from "./support/echo-handler.ts";
import { EnergyWatcher } from "./support/energy-watcher.ts";

let chromium: TestBrowser;
let stream: Stream;
let server: Server;
const watcher = new EnergyWatcher();

beforeAll(async () => {
  chromium = await launchChromium();
  stream = new Stream({
    handler: new EchoHandler(watcher),
    modality: "audio",
    trackConstraints: { noiseSuppression: false, autoGainControl: false, echoCancellation: false },
    logger: silentLogger,
  });
  const app = express();
  app.use(express.json());
  stream.mount(app, "/voice", { page: true });
  app.get("/", (_request, response) => response.send("The application's own page"));
  server = app.listen(0, "127.0.0.1");
  await once(server, "listening");
});
afterAll(async () => {
  await chromium.close();
  await stream.close();
  server.close();
  server.closeAllConnections();
});

it("talks through Express below /voice, behind a body parser, and leaves the rest alone", async () => {
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const page = await chromium.newPage();
  const requested = new Set<string>();
  page.on("request", (request) => requested.add(new URL(request.url()).pathname));
  await page.goto(`${origin}/voice`);
  await page.getByTestId("start").click();
  await page.waitForSelector('[data-testid="state"][data-state="connected"]');
  await expect.poll(() => watcher.isLoud, { timeout: 10_000 }).toBe(true);
  expect(requested).toContain("/voice/webrtc/offer");
  expect([...requested].every((path) => path.startsWith("/voice"))).toBe(true);

  const [context] = [...stream.contexts()];
  expect(new URL(context!.request.url).pathname).toBe("/voice/webrtc/offer");
  expect(await (await fetch(origin)).text()).toBe("The application's own page");
});

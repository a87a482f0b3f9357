/**
 * Starts the browser of the browser tests: without a window, with a microphone that hears a sound
 * of ours over and over, and with nobody to ask for permissions.
 */

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import type { AudioFrame } from "fastrtc";
import { chromium, type Browser, type BrowserContextOptions, type Page } from "playwright-core";
import { findChromium } from "./find-chromium.ts";

const FLAGS = [
  "--headless=new",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--use-fake-device-for-media-stream",
  "--use-fake-ui-for-media-stream",
] as const;

/** A running browser. */
export interface TestBrowser {
  readonly browser: Browser;
  /** Opens an empty page with storage of its own. */
  newPage(options?: BrowserContextOptions): Promise<Page>;
  /** Ends it and removes what it left on disk. */
  close(): Promise<void>;
}

/**
 * Starts Chromium.
 *
 * @param microphone - What its microphone hears, again and again; a beep each second when left out.
 */
export async function launchChromium(microphone?: AudioFrame): Promise<TestBrowser> {
  const folder = await mkdtemp(path.join(tmpdir(), "chromium-"));
  const wav = path.join(folder, "microphone.wav");
  if (microphone) await writeFile(wav, microphone.toWav());
  const browser = await chromium.launch({
    executablePath: findChromium(),
    args: [...FLAGS, ...(microphone ? [`--use-file-for-fake-audio-capture=${wav}`] : [])],
  });
  return {
    browser,
    newPage: async (options = {}) => {
      const context = await browser.newContext({ permissions: ["microphone"], ...options });
      return context.newPage();
    },
    close: async () => {
      await browser.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

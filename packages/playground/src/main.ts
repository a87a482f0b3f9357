/**
 * The page that `launch()` serves: a conversation, and everything that can be seen of it.
 *
 * It asks the server that served it (`./config`) what it is about; each view below shows one
 * thing and listens to the client by itself.
 */

import { FastRTCClient } from "@fastrtc/client";
import { showConnection } from "./connection-view.ts";
import { showDevices } from "./device-view.ts";
import { findElement } from "./element.ts";
import { showInputs } from "./inputs-view.ts";
import { showLog } from "./log-view.ts";
import { showOutputs } from "./output-view.ts";
import { showSession } from "./session-view.ts";
import { showSound } from "./sound-view.ts";
import { showTrace } from "./trace-view.ts";
import { TurnTracker } from "./turn-tracker.ts";

declare global {
  interface Window {
    /** For the browser's console. */
    fastrtc: FastRTCClient;
  }
}

// The page lies at the mount path; its query goes along, as session parameters.
const server = new URL(".", location.href);
server.search = location.search;

const client = new FastRTCClient({ url: server });
window.fastrtc = client;

const log = showLog(client);
const tracker = new TurnTracker();
showConnection(client);
showSound(client, tracker);
showSession(client, tracker);
showOutputs(client);
showTrace(client);
showDevices(client, (error) => {
  log("error", error instanceof Error ? error.message : String(error));
});

try {
  const { page, additionalInputs, mode } = await client.loadConfig();
  document.title = page.title;
  findElement("title", HTMLElement).textContent = page.title;
  findElement("subtitle", HTMLElement).textContent = page.subtitle;
  document.documentElement.dataset["mode"] = mode;
  if (additionalInputs !== null) showInputs(client, additionalInputs);
} catch (error) {
  log("error", error instanceof Error ? error.message : String(error));
}

/**
 * The page that `launch()` serves: a conversation, and everything that can be seen of it.
 *
 * It asks the server that served it (`./config`) what it is about; each view below shows one
 * thing and listens to the client by itself.
 */

import { FastRTCClient } from "@fastrtc/client";
// The page's content security policy lets scripts come from its own server only.
import workletUrl from "../../client/src/audio-worklet.ts?worker&url";
import { showCaptions } from "./caption-view.ts";
import { showConnection } from "./connection-view.ts";
import { showDevices } from "./device-view.ts";
import { findElement } from "./element.ts";
import { showInputs } from "./inputs-view.ts";
import { showLog } from "./log-view.ts";
import { showOutputs } from "./output-view.ts";
import { showOpenNotice } from "./open-notice.ts";
import { showParams } from "./params-view.ts";
import { showSession } from "./session-view.ts";
import { showSound } from "./sound-view.ts";
import { showTrace } from "./trace-view.ts";
import { showTransport } from "./transport-view.ts";
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

const client = new FastRTCClient({ url: server, websocket: { workletUrl } });
window.fastrtc = client;

const log = showLog(client);
const tracker = new TurnTracker();
const readTransport = showTransport(client);
let readParams: () => unknown = () => undefined;
showConnection(client, () => ({ transport: readTransport(), params: readParams() }));
showSound(client, tracker);
showSession(client, tracker);
showCaptions(client);
showOutputs(client);
showTrace(client);
showDevices(client, (error) => {
  log("error", error instanceof Error ? error.message : String(error));
});

try {
  const { page, params, additionalInputs, mode, isOpen } = await client.loadConfig();
  document.title = page.title;
  findElement("title", HTMLElement).textContent = page.title;
  findElement("subtitle", HTMLElement).textContent = page.subtitle;
  document.documentElement.dataset["mode"] = mode;
  if (isOpen) showOpenNotice(location.hostname);
  if (params !== null) readParams = showParams(client, params);
  if (additionalInputs !== null) showInputs(client, additionalInputs);
} catch (error) {
  log("error", error instanceof Error ? error.message : String(error));
}

import type {
  ClientState,
  ConnectOptions,
  FastRTCClient,
  FastRTCClientError,
} from "@fastrtc/client";
import {
  describeError,
  describeInsecurePage,
  describeState,
  SLOW_CONNECTION_TEXT,
} from "./connection-texts.ts";
import { findElement } from "./element.ts";

const SLOW_AFTER_MS = 5000;

/**
 * Shows the big button, the session's state, and help when something is wrong.
 *
 * @param readChoices - Tells how to connect, when the button is pressed.
 */
export function showConnection(client: FastRTCClient, readChoices: () => ConnectOptions): void {
  const start = findElement("start", HTMLButtonElement);
  const label = findElement("start-label", HTMLElement);
  const state = findElement("state", HTMLElement);
  const help = findElement("help", HTMLElement);
  const resume = findElement("resume", HTMLButtonElement);
  let slowTimer: ReturnType<typeof setTimeout> | undefined;

  const showHelp = (text: string): void => {
    help.textContent = text;
    help.hidden = text === "";
  };

  start.addEventListener("click", () => {
    if (isRunning(client.state)) {
      client.close();
      return;
    }
    showHelp("");
    // What fails comes as an event as well.
    client.connect(readChoices()).catch(() => undefined);
  });

  resume.addEventListener("click", () => {
    void client.resumePlayback().then((plays) => (resume.hidden = plays));
  });
  client.on("playback-blocked", () => (resume.hidden = false));

  client.on("state-changed", (change) => {
    state.textContent = describeState(change);
    state.dataset["state"] = change.state;
    state.toggleAttribute("data-resumed", change.resumed === true);
    start.dataset["state"] = change.state;
    const running = isRunning(change.state);
    start.toggleAttribute("data-running", running);
    start.toggleAttribute("data-busy", running && change.state !== "connected");
    label.textContent = running ? "Stop" : "Start";
    clearTimeout(slowTimer);
    if (change.state === "connecting") {
      slowTimer = setTimeout(() => {
        showHelp(SLOW_CONNECTION_TEXT);
      }, SLOW_AFTER_MS);
    }
    if (change.state === "connected" || change.state === "closed") showHelp("");
    if (!running) resume.hidden = true;
  });
  client.on("error", (error: FastRTCClientError) => {
    if (error.code !== "inputs-rejected") showHelp(describeError(error));
  });

  // By the next turn the last one's error is history; the log keeps it.
  client.on("turn-log", (log) => {
    if (log === "started_talking") showHelp("");
  });

  if (!isSecureContext) showHelp(describeInsecurePage(location));
}

function isRunning(state: ClientState): boolean {
  return state !== "idle" && state !== "closed" && state !== "failed";
}

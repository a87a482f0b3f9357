import { FastRTCClientError, type FastRTCClient } from "@fastrtc/client";
import { findElement } from "./element.ts";
import { InputForm } from "./input-form.ts";

// Short enough to feel live, long enough that a dragged slider is one request.
const SEND_AFTER_MS = 300;

/** Shows a form for the additional inputs; changes go out while a session lives. */
export function showInputs(client: FastRTCClient, schema: Readonly<Record<string, unknown>>): void {
  const element = findElement("inputs-form", HTMLFormElement);
  const status = findElement("inputs-status", HTMLElement);
  const form = new InputForm(element, schema, "input");
  if (form.isEmpty) return;
  findElement("inputs", HTMLElement).hidden = false;

  const send = async (): Promise<void> => {
    const isLive = client.state === "connected";
    await client.sendInputs(form.read());
    status.textContent = isLive ? "Sent." : "Sent when you start.";
  };
  const sendOrReport = (): void => {
    send().catch((error: unknown) => {
      if (!(error instanceof FastRTCClientError)) return;
      status.textContent = form.showIssues(error.message, error.issues);
    });
  };

  let timer: ReturnType<typeof setTimeout> | undefined;
  element.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(sendOrReport, SEND_AFTER_MS);
  });
  element.addEventListener("submit", () => {
    clearTimeout(timer);
    sendOrReport();
  });
  client.on("error", ({ code, message, issues }) => {
    if (code === "inputs-rejected") status.textContent = form.showIssues(message, issues);
  });
  client.on("state-changed", ({ state }) => {
    if (state === "connected") status.textContent = "Changes are sent as you make them.";
  });
  sendOrReport();
}

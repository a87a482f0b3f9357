import { FastRTCClientError, type FastRTCClient, type InputIssue } from "@fastrtc/client";
import { findElement } from "./element.ts";
import { createInput } from "./input-control.ts";
import { readInputFields } from "./input-schema.ts";

// Short enough to feel live, long enough that a dragged slider is one request.
const SEND_AFTER_MS = 300;

/** Shows a form for the additional inputs; changes go out while a session lives. */
export function showInputs(client: FastRTCClient, schema: Readonly<Record<string, unknown>>): void {
  const inputs = readInputFields(schema).map(createInput);
  if (inputs.length === 0) return;
  const form = findElement("inputs-form", HTMLFormElement);
  const status = findElement("inputs-status", HTMLElement);
  form.replaceChildren(...inputs.map(({ element }) => element));
  findElement("inputs", HTMLElement).hidden = false;

  const showIssues = (message: string, issues: readonly InputIssue[]): void => {
    status.textContent = message;
    for (const { path, message: text } of issues) {
      const input = inputs.find(({ name }) => path === name || path.startsWith(`${name}.`));
      if (input === undefined) status.textContent += ` ${path === "" ? "" : `${path}: `}${text}`;
      else input.showIssue(text);
    }
  };

  const send = async (): Promise<void> => {
    for (const input of inputs) input.showIssue("");
    const values = inputs
      .map((input) => [input.name, input.read()] as const)
      .filter(([, value]) => value !== undefined);
    const isLive = client.state === "connected";
    await client.sendInputs(Object.fromEntries(values));
    status.textContent = isLive ? "Sent." : "Sent when you start.";
  };
  const sendOrReport = (): void => {
    send().catch((error: unknown) => {
      if (error instanceof FastRTCClientError) showIssues(error.message, error.issues);
    });
  };

  let timer: ReturnType<typeof setTimeout> | undefined;
  form.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(sendOrReport, SEND_AFTER_MS);
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    clearTimeout(timer);
    sendOrReport();
  });
  client.on("error", ({ code, message, issues }) => {
    if (code === "inputs-rejected") showIssues(message, issues);
  });
  client.on("state-changed", ({ state }) => {
    if (state === "connected") status.textContent = "Changes are sent as you make them.";
  });
  sendOrReport();
}

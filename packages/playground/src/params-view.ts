import type { FastRTCClient } from "@fastrtc/client";
import { findElement } from "./element.ts";
import { InputForm } from "./input-form.ts";

/** Shows a form for the session's parameters. Returns a function that reads them. */
export function showParams(
  client: FastRTCClient,
  schema: Readonly<Record<string, unknown>>,
): () => unknown {
  const form = new InputForm(findElement("params-form", HTMLFormElement), schema, "param");
  if (form.isEmpty) return () => undefined;
  const section = findElement("params", HTMLElement);
  const status = findElement("params-status", HTMLElement);
  section.hidden = false;
  client.on("error", ({ code, message, issues }) => {
    if (code === "params-rejected") status.textContent = form.showIssues(message, issues);
  });
  client.on("state-changed", ({ state }) => {
    if (state === "connecting") status.textContent = "";
    // A session keeps the parameters with which it began.
    form.setDisabled(state !== "closed" && state !== "failed");
  });
  return () => form.read();
}

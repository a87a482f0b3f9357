import type { FastRTCClient } from "@fastrtc/client";
import { appendEntry, createElement, findElement } from "./element.ts";

const MAX_ENTRIES = 200;

/** Shows additional outputs as they come; an entry for each. */
export function showOutputs(client: FastRTCClient): void {
  const list = findElement("outputs", HTMLElement);
  client.on("output", (values) => {
    const entry = createElement("li");
    for (const value of values) entry.append(...createValue(value));
    appendEntry(list, entry, MAX_ENTRIES);
  });
  client.on("state-changed", ({ state, previous }) => {
    if (state === "connected" && previous !== "reconnecting") list.replaceChildren();
  });
}

function createValue(value: unknown): HTMLElement[] {
  if (typeof value === "string") return [createElement("p", value)];
  if (isChatMessage(value)) {
    return [createElement("span", value.role, "caption"), createElement("p", value.content)];
  }
  return [createElement("pre", JSON.stringify(value, undefined, 2))];
}

function isChatMessage(value: unknown): value is { role: string; content: string } {
  return (
    typeof value === "object" &&
    value !== null &&
    "role" in value &&
    typeof value.role === "string" &&
    "content" in value &&
    typeof value.content === "string"
  );
}

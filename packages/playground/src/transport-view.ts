import type { FastRTCClient } from "@fastrtc/client";
import { findElement } from "./element.ts";

/** Lets the user choose what carries the next session. Returns a function that reads the choice. */
export function showTransport(client: FastRTCClient): () => "webrtc" | "websocket" {
  const transport = findElement("transport", HTMLSelectElement);
  client.on("state-changed", ({ state }) => {
    transport.disabled = state !== "closed" && state !== "failed";
  });
  return () => (transport.value === "websocket" ? "websocket" : "webrtc");
}

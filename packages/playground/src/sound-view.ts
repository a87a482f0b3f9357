import type { FastRTCClient } from "@fastrtc/client";
import { findElement } from "./element.ts";
import type { TurnState, TurnTracker } from "./turn-tracker.ts";

/** Shows levels and turns while a session lives, and the mute button. */
export function showSound(client: FastRTCClient, tracker: TurnTracker): void {
  const start = findElement("start", HTMLElement);
  const inputMeter = findElement("input-level", HTMLElement);
  const outputMeter = findElement("output-level", HTMLElement);
  const turn = findElement("turn", HTMLElement);
  let frame: number | undefined;

  const draw = (): void => {
    const input = client.isMuted ? 0 : client.inputLevel;
    const output = client.outputLevel;
    const state = tracker.read(output, performance.now());
    showLevel(inputMeter, input);
    showLevel(outputMeter, output);
    showTurn(turn, state);
    start.style.setProperty("--level", String(Math.max(input, output)));
    start.style.setProperty("--ring", output > input ? "var(--reply)" : "var(--voice)");
    frame = requestAnimationFrame(draw);
  };

  client.on("turn-log", (log) => {
    tracker.take(log, performance.now());
  });
  client.on("state-changed", ({ state }) => {
    if (state === "connected") frame ??= requestAnimationFrame(draw);
    if (state !== "closed" && state !== "failed") return;
    if (frame !== undefined) cancelAnimationFrame(frame);
    frame = undefined;
    tracker.reset();
    showLevel(inputMeter, 0);
    showLevel(outputMeter, 0);
    showTurn(turn, undefined);
    start.style.removeProperty("--level");
    start.style.removeProperty("--ring");
  });
  showMute(client);
}

function showLevel(meter: HTMLElement, level: number): void {
  meter.style.setProperty("--level", level.toFixed(3));
  meter.setAttribute("aria-valuenow", String(Math.round(level * 100)));
}

function showTurn(list: HTMLElement, state: TurnState | undefined): void {
  if (list.dataset["turn"] === state) return;
  if (state === undefined) delete list.dataset["turn"];
  else list.dataset["turn"] = state;
  for (const item of list.querySelectorAll("li")) {
    if (item.dataset["turn"] === state) item.setAttribute("aria-current", "true");
    else item.removeAttribute("aria-current");
  }
}

function showMute(client: FastRTCClient): void {
  const mute = findElement("mute", HTMLButtonElement);
  mute.addEventListener("click", () => {
    client.setMuted(!client.isMuted);
    mute.setAttribute("aria-pressed", String(client.isMuted));
    mute.textContent = client.isMuted ? "Muted" : "Mute";
  });
}

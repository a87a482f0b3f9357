import type { FastRTCClient } from "@fastrtc/client";
import type { TurnTrace } from "@fastrtc/protocol";
import { findElement } from "./element.ts";

/** One step of a turn: how long it took. */
export interface TurnStep {
  readonly name: string;
  readonly startMs: number;
  readonly durationMs: number;
}

const STEPS = [
  ["Waiting for more", "speechEndedAt", "endedAt"],
  ["Making the answer", "replyStartedAt", "firstFrameAt"],
  ["Sending it", "firstFrameAt", "firstPacketAt"],
  ["On its way to you", "firstPacketAt", "firstAudibleAt"],
] as const;

/**
 * Cuts a turn into steps, counted from the end of the user's speech; what is not known is left out.
 *
 * An eager reply begins while there is still waiting for more.
 */
export function turnSteps(trace: TurnTrace): TurnStep[] {
  const origin = trace.speechEndedAt;
  if (origin === undefined) return [];
  return STEPS.flatMap(([name, from, to]) => {
    const start = trace[from];
    const end = trace[to];
    if (start === undefined || end === undefined) return [];
    return [{ name, startMs: Math.max(0, start - origin), durationMs: Math.max(0, end - start) }];
  });
}

/** Draws where the last turn's time went. */
export function showTrace(client: FastRTCClient): void {
  const section = findElement("trace", HTMLElement);
  const list = findElement("trace-steps", HTMLElement);
  client.on("state-changed", ({ state }) => {
    if (state === "connecting") section.hidden = true;
  });
  client.on("turn-traced", (trace) => {
    const steps = turnSteps(trace);
    const totalMs = Math.max(1, ...steps.map((step) => step.startMs + step.durationMs));
    section.hidden = steps.length === 0;
    list.replaceChildren(...steps.map((step) => drawStep(step, totalMs)));
  });
}

function drawStep(step: TurnStep, totalMs: number): HTMLElement {
  const item = document.createElement("li");
  const name = document.createElement("span");
  const bar = document.createElement("span");
  const value = document.createElement("span");
  name.textContent = step.name;
  bar.className = "trace-bar";
  bar.style.setProperty("--start", `${(100 * step.startMs) / totalMs}%`);
  bar.style.setProperty("--length", `${(100 * step.durationMs) / totalMs}%`);
  value.textContent = `${Math.round(step.durationMs)}\u00a0ms`;
  item.append(name, bar, value);
  return item;
}

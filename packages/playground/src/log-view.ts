import type { FastRTCClient, TurnLog } from "@fastrtc/client";
import { describeState } from "./connection-texts.ts";
import { appendEntry, createElement, findElement } from "./element.ts";

const MAX_ENTRIES = 300;
const MAX_TEXT_LENGTH = 500;

const TURN_TEXTS: Readonly<Record<TurnLog, string>> = {
  started_talking: "You started to speak",
  pause_detected: "You paused",
  response_starting: "The reply starts",
};

/** What an entry of the log is about. */
export type LogKind = "state" | "turn" | "message" | "warning" | "error";

/** Shows what happens, with times. Returns a function that adds an entry. */
export function showLog(client: FastRTCClient): (kind: LogKind, text: string) => void {
  const list = findElement("log", HTMLElement);
  findElement("clear", HTMLButtonElement).addEventListener("click", () => {
    list.replaceChildren();
  });

  const add = (kind: LogKind, text: string): void => {
    const entry = createElement("li");
    entry.dataset["kind"] = kind;
    const now = new Date();
    const time = createElement("time", formatTime(now));
    time.dateTime = now.toISOString();
    const short = text.length > MAX_TEXT_LENGTH ? `${text.slice(0, MAX_TEXT_LENGTH)}…` : text;
    entry.append(time, createElement("span", short));
    appendEntry(list, entry, MAX_ENTRIES);
  };

  client.on("state-changed", (change) => {
    add("state", describeState(change));
  });
  let lastTurnLog: TurnLog | undefined;
  client.on("turn-log", (log) => {
    // FastRTC tells for every chunk of a reply that it starts.
    if (log !== "response_starting" || log !== lastTurnLog) add("turn", TURN_TEXTS[log]);
    lastTurnLog = log;
  });
  client.on("stop-word-heard", () => {
    add("turn", "The stop word was heard");
  });
  client.on("message", (message) => {
    add("message", typeof message === "string" ? message : JSON.stringify(message));
  });
  client.on("warning", (text) => {
    add("warning", text);
  });
  client.on("error", ({ message, issues }) => {
    add("error", [message, ...issues.map((issue) => `${issue.path}: ${issue.message}`)].join(" "));
  });
  return add;
}

function formatTime(date: Date): string {
  const pad = (value: number, length: number): string => String(value).padStart(length, "0");
  const clock = [date.getHours(), date.getMinutes(), date.getSeconds()];
  return `${clock.map((part) => pad(part, 2)).join(":")}.${pad(date.getMilliseconds(), 3)}`;
}

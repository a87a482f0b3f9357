import { addReplyText, addTranscript, type FastRTCClient, type SpokenText } from "@fastrtc/client";
import { appendEntry, createElement, findElement } from "./element.ts";

const MAX_ENTRIES = 100;

/** Shows in words what user and reply say, where the server knows it. */
export function showCaptions(client: FastRTCClient): void {
  const section = findElement("captions", HTMLElement);
  const list = findElement("caption-list", HTMLElement);
  let texts: readonly SpokenText[] = [];
  const entries = new Map<string, HTMLElement>();

  const show = (next: readonly SpokenText[]): void => {
    for (const text of next) {
      if (texts.includes(text)) continue;
      const key = keyOf(text);
      const entry = entries.get(key) ?? createEntry(text);
      fillEntry(entry, text);
      if (!entries.has(key)) appendEntry(list, entry, MAX_ENTRIES);
      entries.set(key, entry);
    }
    // The list has dropped them; an hour's talk has thousands.
    for (const old of next.slice(0, -MAX_ENTRIES)) entries.delete(keyOf(old));
    texts = next.slice(-MAX_ENTRIES);
    section.hidden = texts.length === 0;
  };

  client.on("transcript", (transcript) => {
    show(addTranscript(texts, transcript));
  });
  client.on("reply", (progress) => {
    show(addReplyText(texts, progress));
  });
  client.on("state-changed", ({ state, resumed }) => {
    if (state !== "connected" || resumed !== false) return;
    entries.clear();
    list.replaceChildren();
    show([]);
  });
}

function keyOf({ by, index }: SpokenText): string {
  return `${by} ${index}`;
}

function createEntry({ by }: SpokenText): HTMLElement {
  const entry = createElement("li");
  entry.dataset["by"] = by;
  entry.append(createElement("span", by === "user" ? "You" : "Reply", "caption"));
  entry.append(createElement("p"));
  return entry;
}

function fillEntry(entry: HTMLElement, { text, isFinal, isInterrupted }: SpokenText): void {
  entry.toggleAttribute("data-open", !isFinal);
  const words = isInterrupted && text === "" ? "(interrupted)" : text;
  const said = entry.querySelector("p");
  if (said !== null) said.textContent = isInterrupted && text !== "" ? `${words} —` : words;
}

import type { ConnectionStats, FastRTCClient } from "@fastrtc/client";
import { findElement } from "./element.ts";
import type { TurnTracker } from "./turn-tracker.ts";

const READ_EVERY_MS = 1000;

/** Shows the session's id and how good the connection is. */
export function showSession(client: FastRTCClient, tracker: TurnTracker): void {
  const session = findElement("session", HTMLElement);
  const id = findElement("session-id", HTMLElement);
  const latency = findElement("latency", HTMLElement);
  let timer: ReturnType<typeof setInterval> | undefined;

  const read = async (): Promise<void> => {
    const stats = await client.getStats();
    if (stats !== undefined) latency.textContent = describeStats(stats, tracker.replyDelayMs);
  };
  client.on("state-changed", ({ state }) => {
    session.hidden = client.webrtcId === undefined;
    id.textContent = client.webrtcId ?? "";
    clearInterval(timer);
    if (state === "connected" || state === "reconnecting") {
      timer = setInterval(() => void read().catch(() => undefined), READ_EVERY_MS);
    } else {
      latency.textContent = "";
    }
  });
  showCopy(id);
}

/** Says in one line how good the connection is; leaves out what is not known. */
function describeStats(stats: ConnectionStats, replyDelayMs: number | undefined): string {
  const parts = [
    ["Round trip", stats.roundTripMs, "ms"],
    ["jitter buffer", stats.jitterBufferMs, "ms"],
    ["loss", toPercent(stats.inboundLossShare), "%"],
    ["reply after", replyDelayMs, "ms"],
  ] as const;
  return parts
    .filter(([, value]) => value !== undefined)
    .map(([name, value, unit]) =>
      `${name} ${Math.round(value ?? 0)} ${unit}`.replaceAll(" ", "\u00a0"),
    )
    .join(" · ");
}

function toPercent(share: number | undefined): number | undefined {
  return share === undefined ? undefined : share * 100;
}

function showCopy(id: HTMLElement): void {
  const copy = findElement("copy", HTMLButtonElement);
  copy.addEventListener("click", () => {
    const done = (): void => {
      copy.textContent = "Copied";
      setTimeout(() => (copy.textContent = "Copy"), 1500);
    };
    const clipboard = (navigator as Partial<Navigator>).clipboard;
    // Without https there is no clipboard: the text is selected for the user's own key.
    const select = (): void => {
      getSelection()?.selectAllChildren(id);
    };
    if (clipboard === undefined) select();
    else clipboard.writeText(id.textContent).then(done, select);
  });
}

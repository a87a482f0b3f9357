import type { ClientState, FastRTCClientError, StateChange } from "@fastrtc/client";

const STATE_TEXTS: Readonly<Record<ClientState, string>> = {
  idle: "Ready",
  "requesting-microphone": "Waiting for the microphone",
  connecting: "Connecting",
  connected: "Connected",
  reconnecting: "Connection lost, trying again",
  closed: "Ended",
  failed: "Could not connect",
};

/** Says in a few words where the session stands. */
export function describeState({ state, previous, reason, resumed }: StateChange): string {
  if (resumed === true) return "Connected: your session goes on";
  if (state === "closed" && reason !== undefined) return `Ended: ${reason}`;
  if (state === "failed" && (previous === "connected" || previous === "reconnecting")) {
    return "Connection lost";
  }
  return STATE_TEXTS[state];
}

/** Says what went wrong, and what the user can do about it. */
export function describeError(error: FastRTCClientError): string {
  switch (error.code) {
    case "microphone-denied":
      return "The browser blocks the microphone for this page. Click the icon left of the address, allow the microphone, then start again.";
    case "limit-reached":
      return error.retryAfterSeconds === undefined
        ? error.message
        : error.message.replace("in a moment", `in ${error.retryAfterSeconds} seconds`);
    case "network":
      return error.message.includes("WebSocket")
        ? error.message
        : "The server does not answer. Is it still running?";
    case "ice-failed":
      return `${error.message} A WebSocket gets through most firewalls: choose it below.`;
    case "insecure-context":
      return describeInsecurePage(location);
    case "microphone-missing":
    case "already-exists":
    case "refused":
    case "not-authorized":
    case "params-rejected":
    case "resume-refused":
    case "connection-lost":
    case "closed-by-server":
    case "reported-by-server":
    case "inputs-rejected":
    case "not-connected":
    case "unsupported":
      return error.message;
  }
}

/** Says how to reach this page so that browsers give it the microphone. */
export function describeInsecurePage(page: Pick<Location, "host" | "port">): string {
  const port = page.port === "" ? "" : `:${page.port}`;
  return `Browsers give the microphone only to pages on https:// or localhost, and this one is on http://${page.host}. On the server's own computer open http://localhost${port}; from another one use https, or a tunnel such as "ssh -L ${page.port || "80"}:localhost:${page.port || "80"} …".`;
}

/** What to say when connecting takes longer than most do. */
export const SLOW_CONNECTION_TEXT = "This takes longer than usual. Are you on a VPN?";

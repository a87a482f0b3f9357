import type { ServerMessage, TurnLog } from "@fastrtc/protocol";
import { FastRTCClientError } from "./client-error.ts";
import type { ClientEvents } from "./client-events.ts";

/** What a {@link ServerMessage} makes a session do besides telling its listeners. */
export interface ServerMessageActions {
  /** Whether `fetch_output` carries the outputs that are wanted. */
  readonly takesOutputs: boolean;
  emit<Name extends keyof ClientEvents>(name: Name, event: ClientEvents[Name]): void;
  onReplyStarting(): void;
  onInputsWanted(): void;
  onGoodbye(text: string): void;
  onHangUp(): void;
}

/** Tells a server's message to whom it concerns. */
export function takeServerMessage(message: ServerMessage, actions: ServerMessageActions): void {
  switch (message.type) {
    case "log":
      if (message.data === "response_starting") actions.onReplyStarting();
      if (isTurnLog(message.data)) actions.emit("turn-log", message.data);
      break;
    case "turn":
      actions.emit("turn-traced", message.data);
      break;
    case "reply":
      actions.emit("reply", message.data);
      break;
    case "transcript":
      actions.emit("transcript", message.data);
      break;
    case "fetch_output":
      // Empty from servers that keep the values for `/outputs`.
      if (actions.takesOutputs && message.data.length > 0) actions.emit("output", message.data);
      break;
    case "send_input":
      actions.onInputsWanted();
      break;
    case "message":
      actions.emit("message", message.data);
      break;
    case "stopword":
      actions.emit("stop-word-heard", undefined);
      break;
    case "error":
      actions.emit("error", new FastRTCClientError("reported-by-server", message.message));
      break;
    case "warning":
      actions.emit("warning", message.message);
      break;
    case "end_stream":
      actions.onGoodbye(message.data);
      break;
    case "update_connection":
      actions.onHangUp();
      break;
  }
}

function isTurnLog(text: string): text is TurnLog {
  return text === "started_talking" || text === "pause_detected" || text === "response_starting";
}

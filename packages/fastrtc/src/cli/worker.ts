/**
 * One worker of `fastrtc start`: loads the application, says whether that worked, and passes the
 * order to drain on to it as the signal that a process of its own would get.
 */

import { loadApplication } from "./load-application.ts";
import { isWorkerMessage, WORKER_MARK } from "./worker-message.ts";
import type { WorkerReport } from "./worker-message.ts";

process.on("message", (message) => {
  if (!isWorkerMessage(message) || message.kind !== "drain") return;
  // As an event and not as a signal: Windows has none, and whoever handles the signal, this copy of
  // fastrtc, another one or the application, hears the event.
  if (!process.emit("SIGTERM", "SIGTERM")) process.exit(0);
});

const [file = "", ...args] = process.argv.slice(2);
try {
  await loadApplication(file, args);
  report({ mark: WORKER_MARK, kind: "started" });
} catch (error) {
  console.error(error);
  const reason = error instanceof Error ? error.message : String(error);
  report({ mark: WORKER_MARK, kind: "failed", reason }, () => process.exit(1));
}

function report(message: WorkerReport, whenSent: () => void = () => undefined): void {
  process.send?.(message, whenSent);
}

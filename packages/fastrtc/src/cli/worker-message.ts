/** What `fastrtc start` and the workers that it forks say to each other. */

/** Marks our messages among others on the same channel. */
export const WORKER_MARK = "fastrtc-start";

/** What a worker reports. */
export type WorkerReport =
  | { readonly mark: typeof WORKER_MARK; readonly kind: "started" }
  | { readonly mark: typeof WORKER_MARK; readonly kind: "failed"; readonly reason: string };

/** What a worker is told. */
export interface WorkerOrder {
  readonly mark: typeof WORKER_MARK;
  readonly kind: "drain";
}

/** Tells our messages from what else is sent. */
export function isWorkerMessage(message: unknown): message is WorkerReport | WorkerOrder {
  return (
    typeof message === "object" &&
    message !== null &&
    "mark" in message &&
    message.mark === WORKER_MARK
  );
}

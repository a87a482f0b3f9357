/** What the workers of a cluster and their primary process say to each other, and how it is read. */

import type { RemoteError } from "../session/backplane/remote-error.ts";
import type { SessionClaim } from "../session/backplane/backplane.ts";

/** Marks our messages among others on the same channel; changes when the messages do. */
export const IPC_MARK = "fastrtc-backplane-1";

/** A claim as JSON carries it: there is no Infinity. */
export type PlainClaim = Omit<SessionClaim, "limit"> & { readonly limit: number | null };

/** What a worker asks for one of its nodes. */
export type NodeRequest =
  | { readonly op: "join"; readonly stream: string; readonly node: string }
  | { readonly op: "claim"; readonly node: string; readonly claim: PlainClaim }
  | { readonly op: "find"; readonly node: string; readonly webrtcId: string }
  | {
      readonly op: "release";
      readonly node: string;
      readonly webrtcId: string;
      readonly resumableMs: number;
    }
  | { readonly op: "count"; readonly node: string }
  | { readonly op: "send"; readonly node: string; readonly to: string; readonly text: string }
  | { readonly op: "leave"; readonly node: string };

/** What a worker asks of a stream's store. */
export type StoreRequest = {
  readonly op: "store";
  readonly stream: string;
  readonly session: string;
} & (
  | { readonly method: "get" | "delete"; readonly key: string }
  | { readonly method: "set"; readonly key: string; readonly value: string }
  | {
      readonly method: "replace";
      readonly key: string;
      readonly expected?: string;
      readonly value: string;
    }
  | { readonly method: "keys" | "clear" }
);

/** One question of a worker. */
export interface WorkerMessage {
  readonly mark: typeof IPC_MARK;
  /** Counts this worker's questions. */
  readonly id: number;
  readonly request: NodeRequest | StoreRequest;
}

/** What the primary process says to a worker. */
export type PrimaryMessage = { readonly mark: typeof IPC_MARK } & (
  | { readonly kind: "answer"; readonly id: number; readonly value?: unknown }
  | { readonly kind: "error"; readonly id: number; readonly error: RemoteError }
  | {
      readonly kind: "message";
      readonly node: string;
      readonly from: string;
      readonly text: string;
    }
  | { readonly kind: "gone"; readonly node: string; readonly gone: string }
  /** The primary process serves no longer. */
  | { readonly kind: "closed" }
);

/** Tells our messages from what the application sends itself. */
export function isMarked(message: unknown): message is { readonly mark: typeof IPC_MARK } {
  return (
    typeof message === "object" &&
    message !== null &&
    "mark" in message &&
    message.mark === IPC_MARK
  );
}

/** Writes a claim for the way to the primary process. */
export function plainClaim(claim: SessionClaim): PlainClaim {
  return { ...claim, limit: Number.isFinite(claim.limit) ? claim.limit : null };
}

/** Reads a claim. */
export function claimOf(plain: PlainClaim): SessionClaim {
  return { ...plain, limit: plain.limit ?? Infinity };
}

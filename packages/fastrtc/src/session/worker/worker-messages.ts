/** What a session's thread and its workers say to each other. All of it survives a structured clone. */

import type { ClientInfo } from "../context/client-info.ts";
import type { SessionContextData, TelephoneCall } from "../context/session-context.ts";
import type { StoreBackend } from "../store/store.ts";

/** A context, as far as it can be cloned. */
export interface WorkerContextData {
  /** What {@link SessionContext.toJSON} said. */
  readonly plain: SessionContextData;
  readonly user: unknown;
  readonly params: unknown;
  readonly client: ClientInfo;
  readonly telephone: TelephoneCall | undefined;
  readonly url: string;
  readonly turn: WorkerTurnData | undefined;
}

/** The turn that a reply answers. */
export interface WorkerTurnData {
  readonly id: string;
  readonly index: number;
  readonly eager: boolean;
  readonly transcript: string | undefined;
}

/** The methods of a store's backend that a worker may call. */
export type StoreCall = Exclude<keyof StoreBackend, "close">;

/** To a worker. */
export type ToWorker =
  | {
      readonly type: "run";
      /** The `file:` URL of the module. */
      readonly module: string;
      readonly input: unknown;
      readonly context: WorkerContextData | undefined;
    }
  /** The call was given up. */
  | { readonly type: "abort"; readonly scope: "session" | "turn" | "call" }
  | { readonly type: "stored"; readonly id: number; readonly value: unknown }
  | { readonly type: "store-failed"; readonly id: number; readonly reason: string };

/** From a worker. */
export type FromWorker =
  | { readonly type: "done"; readonly value: unknown }
  | { readonly type: "failed"; readonly error: unknown }
  | { readonly type: "send"; readonly data: unknown }
  | { readonly type: "warn"; readonly message: string }
  | { readonly type: "close"; readonly message: string | undefined }
  | {
      readonly type: "store";
      readonly id: number;
      readonly call: StoreCall;
      readonly args: readonly unknown[];
    };

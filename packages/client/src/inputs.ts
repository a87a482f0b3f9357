import { FastRTCClientError } from "./client-error.ts";
import type { Endpoint } from "./endpoint.ts";
import { isRecord } from "./record.ts";
import { readIssues } from "./refusal.ts";
import { tokenField, type SessionClaim } from "./session-claim.ts";

/** Additional inputs: by name, as the server's schema has them, or by position, as FastRTC has. */
export type ClientInputs = Readonly<Record<string, unknown>> | readonly unknown[];

/**
 * Posts a session's inputs.
 *
 * @throws {@link FastRTCClientError} `inputs-rejected` with the `issues` when the server's schema
 * does not accept them.
 */
export async function postInputs(
  endpoint: Endpoint,
  claim: SessionClaim,
  inputs: ClientInputs,
  signal?: AbortSignal,
): Promise<void> {
  const { response, body } = await endpoint.post(
    "/input_hook",
    { webrtc_id: claim.webrtcId, inputs, ...tokenField(claim) },
    signal,
  );
  const failed = isRecord(body) && body["status"] === "failed";
  if (response.ok && !failed) return;
  const meta = isRecord(body) && isRecord(body["meta"]) ? body["meta"] : {};
  const message = meta["message"] ?? meta["error"];
  throw new FastRTCClientError(
    "inputs-rejected",
    typeof message === "string"
      ? message
      : `The server did not accept the inputs (HTTP ${response.status}).`,
    { status: response.status, issues: readIssues(meta["issues"]) },
  );
}

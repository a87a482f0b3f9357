/**
 * Finds the process that has a session, and asks it. Requests arrive at any process: a load balancer
 * does not know whose session they are for.
 */

import type { AnswerResponse, CandidateRequest } from "@fastrtc/protocol";

import { NegotiationError, isFastRTCError } from "../../errors.ts";
import type { Logger } from "../../observe/logger.ts";
import type { SessionRecord } from "../backplane/backplane.ts";
import type { DirectoryClient } from "../admission/directory-client.ts";
import type { OutputArgs } from "../outputs.ts";
import type { Credentials, SessionAccess } from "../admission/session-access.ts";
import type { SessionContextData } from "../context/session-context.ts";
import type { EarlierSession } from "../admission/session-host.ts";
import type { SessionOperations } from "./session-operations.ts";
import type { SessionRegistry } from "../admission/session-registry.ts";
import type { IncomingOffer, WebRtcSignaling } from "../entry/webrtc-signaling.ts";

/** How long a candidate that overtook its offer waits for it, in milliseconds. */
const EARLY_CANDIDATE_MS = 2000;
/** How often it looks meanwhile whether the offer has come in at another process. */
const LOOK_EVERY_MS = 250;

/** What {@link SessionLocator} works with. */
export interface SessionLocatorOptions {
  readonly registry: SessionRegistry;
  readonly signaling: WebRtcSignaling;
  readonly access: SessionAccess;
  readonly local: SessionOperations;
  readonly directory: DirectoryClient;
  /** Gives the sessions of another process. */
  readonly remote: (owner: string) => SessionOperations;
  readonly logger: Logger;
}

/** The sessions of all processes. */
export class SessionLocator implements SessionOperations {
  readonly #options: SessionLocatorOptions;

  constructor(options: SessionLocatorOptions) {
    this.#options = options;
  }

  async offer(offer: IncomingOffer): Promise<AnswerResponse> {
    const { local, remote, logger } = this.#options;
    const webrtcId = offer.body.webrtc_id;
    const owner = await this.#ownerElsewhere(webrtcId, () => true);
    if (owner === undefined) return await local.offer(offer);
    try {
      return await remote(owner).offer(offer);
    } catch (error) {
      // Where the owner cannot take its client back, we can: its state is lost, its store is not.
      if (!isGone(error)) throw error;
      logger.warn("The process that had the session does not take it back.", { webrtcId, error });
      return await local.offer(offer);
    }
  }

  async addCandidate(body: CandidateRequest): Promise<void> {
    const { signaling, registry, access, local, remote } = this.#options;
    const { webrtc_id: webrtcId } = body;
    access.assertPresented({ token: body.session_token });
    // Where callers are authenticated nobody waits: a token comes with the answer to the offer, so
    // whoever has one has not overtaken it.
    for (let waitedMs = 0; ; waitedMs += LOOK_EVERY_MS) {
      if (signaling.hasOffer(webrtcId)) break;
      const owner = await this.#ownerElsewhere(webrtcId, ({ isLive }) => isLive);
      if (owner !== undefined) {
        await remote(owner).addCandidate(body);
        return;
      }
      if (!access.isOpen || registry.hasEnded(webrtcId) || waitedMs >= EARLY_CANDIDATE_MS) break;
      await signaling.expectOffer(webrtcId, LOOK_EVERY_MS);
    }
    await local.addCandidate(body);
  }

  async setInputs(webrtcId: string, inputs: unknown, credentials: Credentials): Promise<void> {
    this.#options.access.assertPresented(credentials);
    await (await this.#of(webrtcId)).setInputs(webrtcId, inputs, credentials);
  }

  async outputs(
    webrtcId: string,
    credentials: Credentials,
    signal: AbortSignal | undefined,
  ): Promise<AsyncIterable<OutputArgs>> {
    this.#options.access.assertPresented(credentials);
    return await (await this.#of(webrtcId)).outputs(webrtcId, credentials, signal);
  }

  async nextOutput(webrtcId: string, timeoutMs: number): Promise<OutputArgs> {
    return await (await this.#of(webrtcId)).nextOutput(webrtcId, timeoutMs);
  }

  async send(webrtcId: string, data: unknown): Promise<void> {
    await (await this.#of(webrtcId)).send(webrtcId, data);
  }

  async close(webrtcId: string, message: string | undefined): Promise<void> {
    await (await this.#of(webrtcId)).close(webrtcId, message);
  }

  async letGo(earlier: EarlierSession): Promise<void> {
    await (await this.#of(earlier.webrtcId)).letGo(earlier);
  }

  async describe(webrtcId: string): Promise<SessionContextData> {
    return await (await this.#of(webrtcId)).describe(webrtcId);
  }

  async #of(webrtcId: string): Promise<SessionOperations> {
    const { local, remote } = this.#options;
    const owner = await this.#ownerElsewhere(webrtcId, ({ isLive }) => isLive);
    return owner === undefined ? local : remote(owner);
  }

  // Undefined where the session is here, or nowhere.
  async #ownerElsewhere(
    webrtcId: string,
    counts: (record: SessionRecord) => boolean,
  ): Promise<string | undefined> {
    const { registry, directory } = this.#options;
    if (registry.has(webrtcId)) return undefined;
    const found = await directory.find(webrtcId);
    return found && !found.isOurs && counts(found.record) ? found.record.owner : undefined;
  }
}

function isGone(error: unknown): boolean {
  if (!isFastRTCError(error)) return false;
  if (error.code === "TRANSPORT" || error.code === "TIMEOUT") return true;
  return error instanceof NegotiationError && error.reason === "server_closing";
}

/**
 * What can be asked of a session from outside it, and the answers of the sessions in this process.
 * `remote-sessions.ts` asks other processes the same; `session-locator.ts` decides whom to ask.
 */

import type { AnswerResponse, CandidateRequest } from "@fastrtc/protocol";

import type { Clock } from "../../media/clock.ts";
import type { ClientValues } from "../input-schema.ts";
import type { OutputArgs } from "../outputs.ts";
import type { Credentials, SessionAccess } from "../admission/session-access.ts";
import type { SessionAdmission } from "../admission/session-admission.ts";
import type { SessionContextData } from "../context/session-context.ts";
import type { EarlierSession } from "../admission/session-host.ts";
import type { IncomingOffer, WebRtcSignaling } from "../entry/webrtc-signaling.ts";

/**
 * Asks sessions. Every method throws {@link NegotiationError} where the session has ended or never
 * was, and {@link AuthenticationError} where the credentials are not the session's.
 */
export interface SessionOperations {
  /** Begins a session, resumes one, or restarts its ICE. */
  offer(offer: IncomingOffer): Promise<AnswerResponse>;
  /** Adds a candidate. */
  addCandidate(body: CandidateRequest): Promise<void>;
  /** Sets the additional inputs. */
  setInputs(webrtcId: string, inputs: unknown, credentials: Credentials): Promise<void>;
  /**
   * Reads the additional outputs. Ends with the session.
   *
   * @param signal - Ends the reading.
   */
  outputs(
    webrtcId: string,
    credentials: Credentials,
    signal: AbortSignal | undefined,
  ): Promise<AsyncIterable<OutputArgs>>;
  /** Waits for the next additional outputs. */
  nextOutput(webrtcId: string, timeoutMs: number): Promise<OutputArgs>;
  /** Sends a message to the client. */
  send(webrtcId: string, data: unknown): Promise<void>;
  /** Ends the session. */
  close(webrtcId: string, message: string | undefined): Promise<void>;
  /**
   * Ends the session here, because its client has come back to another process, where it goes on. Does
   * nothing where the token is not the session's, or none lives here.
   */
  letGo(earlier: EarlierSession): Promise<void>;
  /** Tells what is known of the session. */
  describe(webrtcId: string): Promise<SessionContextData>;
}

/** What {@link LocalSessions} works with. */
export interface LocalSessionsOptions {
  readonly signaling: WebRtcSignaling;
  readonly access: SessionAccess;
  readonly host: Pick<SessionAdmission, "letGo">;
  readonly inputs: ClientValues;
  readonly clock: Clock;
}

/** The sessions of this process. */
export class LocalSessions implements SessionOperations {
  readonly #options: LocalSessionsOptions;

  constructor(options: LocalSessionsOptions) {
    this.#options = options;
  }

  offer(offer: IncomingOffer): Promise<AnswerResponse> {
    return this.#options.signaling.offer(offer);
  }

  addCandidate(body: CandidateRequest): Promise<void> {
    return this.#options.signaling.addCandidate(body);
  }

  async setInputs(webrtcId: string, inputs: unknown, credentials: Credentials): Promise<void> {
    const session = this.#options.access.require(webrtcId, credentials);
    session.inputs.set(await this.#options.inputs.parse(inputs));
  }

  // Async, so that a refusal is a rejection here as it is from another process.
  // eslint-disable-next-line @typescript-eslint/require-await
  async outputs(
    webrtcId: string,
    credentials: Credentials,
    signal: AbortSignal | undefined,
  ): Promise<AsyncIterable<OutputArgs>> {
    return this.#options.access.require(webrtcId, credentials).outputs.subscribe(signal);
  }

  async nextOutput(webrtcId: string, timeoutMs: number): Promise<OutputArgs> {
    const { outputs } = this.#options.access.require(webrtcId, "application");
    return await outputs.next(this.#options.clock, timeoutMs);
  }

  // eslint-disable-next-line @typescript-eslint/require-await
  async send(webrtcId: string, data: unknown): Promise<void> {
    this.#options.access.require(webrtcId, "application").context.send(data);
  }

  async close(webrtcId: string, message: string | undefined): Promise<void> {
    const session = this.#options.access.require(webrtcId, "application");
    await session.close({ type: "end_stream", data: message ?? "Stream closed" });
  }

  letGo(earlier: EarlierSession): Promise<void> {
    return this.#options.host.letGo(earlier);
  }

  // eslint-disable-next-line @typescript-eslint/require-await
  async describe(webrtcId: string): Promise<SessionContextData> {
    return this.#options.access.require(webrtcId, "application").context.toJSON();
  }
}

/**
 * What the HTTP routes need of a stream, and nothing more.
 *
 * In come parsed requests from the router, out go answers, or errors that the router turns into
 * the protocol's refusals. `Stream` implements it; tests give a fake.
 */

import type {
  AnswerResponse,
  CandidateRequest,
  ClientConfig,
  OfferRequest,
} from "@fastrtc/protocol";

/** What an adapter knows of a request and a Fetch `Request` cannot say. */
export interface RequestInfo {
  /** The client's address; behind a proxy, the one that the framework was told to trust. */
  readonly remoteAddress?: string;
  /** Our address that the request reached: tells whether we are reached over loopback. */
  readonly localAddress?: string;
  /**
   * What stands in the URL before our routes, as in `/voice`; never ends in a slash.
   *
   * @defaultValue the empty string
   */
  readonly mountPath?: string;
}

/** Answers what the routes ask; every method may throw {@link AuthenticationError}. */
export interface StreamService {
  /**
   * Begins a session, or answers the re-offer of one.
   *
   * @throws {@link NegotiationError} whose `reason` the client is told.
   * @throws {@link SessionLimitError} when no further session may begin.
   * @throws {@link InvalidStateError} when the stream has been closed.
   */
  offer(body: OfferRequest, request: Request, info: RequestInfo): Promise<AnswerResponse>;
  /**
   * Adds a candidate to a session; an empty `candidate` means that there are no more.
   *
   * @throws {@link NegotiationError} with reason `unknown_connection`, `connection_closed` or
   * `invalid_candidate_format`.
   */
  addCandidate(body: CandidateRequest, request: Request, info: RequestInfo): Promise<void>;
  /**
   * Sets the additional inputs of a session.
   *
   * @param inputs - What the client posted: unchecked, of any JSON type.
   * @throws {@link NegotiationError} with reason `unknown_connection`, or `invalid_request` when
   * the inputs do not fit.
   */
  setInputs(inputs: unknown, access: SessionRequestAccess): Promise<void>;
  /**
   * Subscribes to a session's additional outputs: the arguments of each.
   *
   * The promise decides about access, so that a refusal gets its own status: once it resolves, the
   * client has been told 200.
   *
   * @param signal - Aborts when the client has gone; the iterable must then end.
   * @returns an iterable that ends with the session.
   * @throws {@link NegotiationError} with reason `unknown_connection` or `connection_closed`.
   */
  outputs(
    access: SessionRequestAccess,
    signal: AbortSignal,
  ): Promise<AsyncIterable<readonly unknown[]>>;
  /** Tells a client what it needs to know before it offers. */
  config(request: Request, info: RequestInfo): Promise<ClientConfig>;
  /** Tells load balancers whether this process takes new sessions. */
  readiness(): Readiness;
}

/** A request about a session that is under way. */
export interface SessionRequestAccess {
  readonly webrtcId: string;
  /** The session token that the request presents. */
  readonly token: string | undefined;
  readonly request: Request;
  readonly info: RequestInfo;
}

/** Whether a process takes new sessions. */
export interface Readiness {
  readonly isReady: boolean;
  /** How many sessions live in this process. */
  readonly sessions: number;
}

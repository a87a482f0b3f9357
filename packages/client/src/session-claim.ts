/** What a session says of itself on every request, over all the paths that it has had. */
export interface SessionClaim {
  /** Its name. */
  readonly webrtcId: string;
  /** What the server's `params` schema describes; undefined for nothing. */
  readonly params: unknown;
  /**
   * Proves that the session is ours, and resumes it. From the newest answer; undefined before it,
   * and always with servers that give none, as FastRTC's.
   */
  sessionToken: string | undefined;
  /** Whether the newest answer went on with an earlier session. */
  isResumed: boolean;
}

/** Gives what belongs into the body of a request: the token, where there is one. */
export function tokenField(claim: SessionClaim): { readonly session_token?: string } {
  return claim.sessionToken === undefined ? {} : { session_token: claim.sessionToken };
}

/** Keeps what an answer says, of whatever transport. */
export function takeAnswer(
  claim: SessionClaim,
  answer: { readonly session_token?: unknown; readonly resumed?: unknown },
): void {
  if (typeof answer.session_token === "string") claim.sessionToken = answer.session_token;
  claim.isResumed = answer.resumed === true;
}

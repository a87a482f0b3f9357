/** How long a session's name may be, in characters. */
export const MAX_SESSION_ID_LENGTH = 128;

/**
 * Tells whether a value may name a session: 1 to 128 characters, without control characters and
 * without halves of surrogate pairs. It goes into log lines and into keys of stores, where all such
 * halves would become one and the same character.
 */
export function isSessionId(value: unknown): value is string {
  return (
    typeof value === "string" &&
    value !== "" &&
    value.length <= MAX_SESSION_ID_LENGTH &&
    !/[\p{Cc}\p{Surrogate}]/u.test(value)
  );
}

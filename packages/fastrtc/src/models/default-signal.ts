/**
 * What ends a model's work when its caller names no signal: the reply that runs.
 *
 * A session tells which that is; this folder knows no sessions.
 */

let find: () => AbortSignal | undefined = () => undefined;

/**
 * Says where calls without a signal find theirs.
 *
 * @param source - Returns the signal of the reply that runs, undefined outside of one.
 * @internal
 */
export function provideDefaultSignal(source: () => AbortSignal | undefined): void {
  find = source;
}

/** Returns the given signal, or else that of the reply that runs. */
export function signalOf(
  call: { readonly signal?: AbortSignal | undefined } | undefined,
): AbortSignal | undefined {
  return call?.signal ?? find();
}

/** Waiting that ends when a signal aborts, whatever the one who is waited for does. */

/**
 * Resolves as the promise does, unless the signal aborts first.
 *
 * @throws the signal's reason once it has aborted.
 */
export function abortable<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return promise;
  return new Promise((resolve, reject) => {
    const onAbort = (): void => {
      // The caller chose the reason, as in every API that takes a signal.
      // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors
      reject(signal.reason);
    };
    const settle = (): void => signal.removeEventListener("abort", onAbort);
    // Also when it has aborted already: a failure must not go unhandled.
    promise.then(resolve, reject).finally(settle).catch(settle);
    if (signal.aborted) onAbort();
    else signal.addEventListener("abort", onAbort, { once: true });
  });
}

/**
 * Closes an iterator that nobody reads any more. One that waits for something closes when its wait
 * ends; nobody waits for that here, nor is there anybody to tell of a failure.
 */
export function abandon(iterator: AsyncIterator<unknown>): void {
  try {
    Promise.resolve(iterator.return?.()).catch(() => undefined);
  } catch {
    // As above.
  }
}

const STEP_MS = 10;

/**
 * Waits until something is true.
 *
 * @param timeoutMs - How long at most; generous, because a busy machine is no fault.
 * @returns how long it took, in milliseconds.
 * @throws Error when the time is over.
 */
export async function until(isTrue: () => boolean, timeoutMs = 15_000): Promise<number> {
  const begin = performance.now();
  while (!isTrue()) {
    if (performance.now() - begin > timeoutMs) {
      throw new Error(`Not true within ${timeoutMs} ms: ${isTrue.toString()}`);
    }
    await new Promise((resolve) => setTimeout(resolve, STEP_MS));
  }
  return performance.now() - begin;
}

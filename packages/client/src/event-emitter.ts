/** Calls listeners by event name, in the order in which they subscribed. */
export class EventEmitter<Events extends object> {
  readonly #listeners = new Map<keyof Events, Set<(event: never) => void>>();

  /**
   * Calls `listener` at every event of that name.
   *
   * @param name - Which event.
   * @param listener - What to call; subscribing the same function twice has no effect.
   * @returns A function that unsubscribes.
   */
  on<Name extends keyof Events>(name: Name, listener: (event: Events[Name]) => void): () => void {
    let listeners = this.#listeners.get(name);
    if (listeners === undefined) {
      listeners = new Set();
      this.#listeners.set(name, listeners);
    }
    listeners.add(listener);
    return () => {
      this.off(name, listener);
    };
  }

  /** Calls `listener` at the next event of that name only. Returns a function that unsubscribes. */
  once<Name extends keyof Events>(name: Name, listener: (event: Events[Name]) => void): () => void {
    const unsubscribe = this.on(name, (event) => {
      unsubscribe();
      listener(event);
    });
    return unsubscribe;
  }

  /** Unsubscribes a listener that {@link EventEmitter.on} subscribed. */
  off<Name extends keyof Events>(name: Name, listener: (event: Events[Name]) => void): void {
    this.#listeners.get(name)?.delete(listener);
  }

  /** Calls the listeners. One that throws is reported to the page and stops none of the others. */
  protected emit<Name extends keyof Events>(name: Name, event: Events[Name]): void {
    // A copy: whoever subscribes or unsubscribes meanwhile means the next event.
    for (const listener of [...(this.#listeners.get(name) ?? [])]) {
      try {
        (listener as (event: Events[Name]) => void)(event);
      } catch (error) {
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }
}

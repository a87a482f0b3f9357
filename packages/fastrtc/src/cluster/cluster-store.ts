/** The stores of a cluster: their values are in the primary process, every method asks it. */

import type { StoreBackend } from "../session/store/store.ts";
import type { StoreRequest } from "./ipc-message.ts";

/** One stream's store, for a worker. */
export class ClusterStore implements StoreBackend {
  readonly #stream: string;
  readonly #ask: (request: StoreRequest) => Promise<unknown>;

  constructor(stream: string, ask: (request: StoreRequest) => Promise<unknown>) {
    this.#stream = stream;
    this.#ask = ask;
  }

  async get(session: string, key: string): Promise<string | undefined> {
    return (await this.#ask({ ...this.#of(session), method: "get", key })) as string | undefined;
  }

  async set(session: string, key: string, value: string): Promise<void> {
    await this.#ask({ ...this.#of(session), method: "set", key, value });
  }

  async replace(
    session: string,
    key: string,
    expected: string | undefined,
    value: string,
  ): Promise<boolean> {
    // JSON has no undefined: a field that is absent stands for it.
    const old = expected === undefined ? {} : { expected };
    const request = { ...this.#of(session), method: "replace", key, value, ...old } as const;
    return (await this.#ask(request)) as boolean;
  }

  async delete(session: string, key: string): Promise<void> {
    await this.#ask({ ...this.#of(session), method: "delete", key });
  }

  async keys(session: string): Promise<string[]> {
    return (await this.#ask({ ...this.#of(session), method: "keys" })) as string[];
  }

  async clear(session: string): Promise<void> {
    await this.#ask({ ...this.#of(session), method: "clear" });
  }

  // The values are the primary process's, and stay.
  close(): Promise<void> {
    return Promise.resolve();
  }

  #of(session: string): { op: "store"; stream: string; session: string } {
    return { op: "store", stream: this.#stream, session };
  }
}

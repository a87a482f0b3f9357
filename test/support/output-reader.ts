/** Reads a session's additional outputs over HTTP, as they come (server-sent events). */

import { until } from "./until.ts";

/** An open reading. */
export class OutputReader<T> {
  /** What has come. */
  readonly outputs: T[] = [];
  /** Set once the server has ended it. */
  isEnded = false;
  readonly #controller = new AbortController();

  /**
   * Begins to read.
   *
   * @throws Error when the server refuses.
   */
  async open(url: string, headers: Readonly<Record<string, string>> = {}): Promise<this> {
    const { signal } = this.#controller;
    const response = await fetch(url, { headers, signal });
    if (!response.ok || !response.body) throw new Error(`The outputs: ${response.status}`);
    void this.#read(response.body).catch(() => undefined);
    return this;
  }

  /** Waits for the next that came after `seen` others. */
  async after(seen: number): Promise<T> {
    await until(() => this.outputs.length > seen);
    return this.outputs[seen]!;
  }

  close(): void {
    this.#controller.abort();
  }

  async #read(body: ReadableStream<Uint8Array>): Promise<void> {
    let text = "";
    try {
      const decoder = new TextDecoder();
      for await (const chunk of body) {
        text += decoder.decode(chunk, { stream: true });
        for (let end = text.indexOf("\n\n"); end >= 0; end = text.indexOf("\n\n")) {
          const data = /^data: (.*)$/m.exec(text.slice(0, end))?.[1];
          text = text.slice(end + 2);
          if (data !== undefined) this.outputs.push(JSON.parse(data) as T);
        }
      }
    } finally {
      this.isEnded = true;
    }
  }
}

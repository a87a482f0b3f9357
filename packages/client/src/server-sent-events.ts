/** One event of a `text/event-stream`. */
export interface ServerSentEvent {
  readonly event: string;
  readonly data: string;
  /** The newest id so far; empty when the server gives none. */
  readonly id: string;
}

// A server that never ends its line must not fill the page's memory.
const MAX_BUFFERED_CHARACTERS = 4 * 1024 * 1024;

/**
 * Reads a `text/event-stream` in the pieces in which it comes.
 *
 * Rules: https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
 */
export class ServerSentEventParser {
  #buffer = "";
  #isFirst = true;
  #event = "";
  #data: string[] = [];
  #dataLength = 0;
  #id = "";

  /**
   * Takes the next piece of text.
   *
   * @returns The events that it completes.
   * @throws RangeError when an event grows past 4 Mi characters.
   */
  push(text: string): ServerSentEvent[] {
    this.#buffer += text;
    if (this.#isFirst && this.#buffer !== "") {
      this.#isFirst = false;
      if (this.#buffer.startsWith("\uFEFF")) this.#buffer = this.#buffer.slice(1);
    }
    const events: ServerSentEvent[] = [];
    for (let line = this.#nextLine(); line !== undefined; line = this.#nextLine()) {
      const event = this.#take(line);
      if (event !== undefined) events.push(event);
    }
    if (this.#buffer.length + this.#dataLength > MAX_BUFFERED_CHARACTERS) {
      throw new RangeError("The server's event is too long to read.");
    }
    return events;
  }

  #nextLine(): string | undefined {
    const end = this.#buffer.search(/[\r\n]/);
    if (end === -1) return undefined;
    let next = end + 1;
    if (this.#buffer[end] === "\r") {
      // The other half of a CRLF may be in the next piece.
      if (next === this.#buffer.length) return undefined;
      if (this.#buffer[next] === "\n") next += 1;
    }
    const line = this.#buffer.slice(0, end);
    this.#buffer = this.#buffer.slice(next);
    return line;
  }

  #take(line: string): ServerSentEvent | undefined {
    if (line === "") return this.#dispatch();
    const colon = line.indexOf(":");
    if (colon === 0) return undefined;
    const field = colon === -1 ? line : line.slice(0, colon);
    let value = colon === -1 ? "" : line.slice(colon + 1);
    if (value.startsWith(" ")) value = value.slice(1);
    if (field === "data") {
      this.#data.push(value);
      this.#dataLength += value.length;
    } else if (field === "event") {
      this.#event = value;
    } else if (field === "id" && !value.includes("\0")) {
      this.#id = value;
    }
    return undefined;
  }

  #dispatch(): ServerSentEvent | undefined {
    const event =
      this.#data.length === 0
        ? undefined
        : { event: this.#event || "message", data: this.#data.join("\n"), id: this.#id };
    this.#event = "";
    this.#data = [];
    this.#dataLength = 0;
    return event;
  }
}

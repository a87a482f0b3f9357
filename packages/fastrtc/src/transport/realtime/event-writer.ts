/** Writes server events: each a text of JSON with an `event_id` of its own. */
export class EventWriter {
  readonly #sendText: (text: string) => void;
  #count = 0;

  /** @param sendText - Puts one event on the wire. */
  constructor(sendText: (text: string) => void) {
    this.#sendText = sendText;
  }

  /** Sends one event. */
  send(type: string, fields: Readonly<Record<string, unknown>> = {}): void {
    this.#sendText(JSON.stringify({ type, event_id: `event_${++this.#count}`, ...fields }));
  }

  /**
   * Sends an `error`.
   *
   * @param eventId - The client's name for the event that is to blame.
   */
  error(
    error: {
      readonly type?: string;
      readonly code: string;
      readonly message: string;
      readonly param?: string | null;
    },
    eventId: string | null = null,
  ): void {
    const { type = "invalid_request_error", code, message, param = null } = error;
    this.send("error", { error: { type, code, message, param, event_id: eventId } });
  }
}

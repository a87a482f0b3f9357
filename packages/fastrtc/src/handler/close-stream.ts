/** Ends the session when it is yielded: after the audio queued before it has been sent. */
export class CloseStream {
  /** What the client is told. */
  readonly message: string;

  /** @param message - For the client's `end_stream` message; defaults to "Stream closed". */
  constructor(message = "Stream closed") {
    this.message = message;
  }
}

/** A client event that cannot be carried out; the client reads it as an `error` event. */
export class RealtimeRefusal extends Error {
  override readonly name = "RealtimeRefusal";
  /** The protocol's word for it. */
  readonly code: string;
  /** Which part of the event is wrong, as in `session.type`. */
  readonly param: string | null;

  /** @param message - A sentence for the developer of the client; goes on the wire. */
  constructor(code: string, message: string, param: string | null = null) {
    super(message);
    this.code = code;
    this.param = param;
  }
}

/** Says that a field has a value that cannot be. */
export function invalidValue(param: string, wanted: string): RealtimeRefusal {
  return new RealtimeRefusal("invalid_value", `Invalid '${param}': ${wanted}`, param);
}

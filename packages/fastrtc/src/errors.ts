/**
 * Every error that fastrtc throws, one class a cause.
 *
 * Messages name the option or the call, the value, and the remedy. A barge-in and a hang-up are
 * not errors. What reaches a client is a listed code and a fixed text, never a message or a stack.
 */

const BRAND: unique symbol = Symbol.for("fastrtc.error");

/** Names each {@link FastRTCError} for machines; stable across versions. */
export type FastRTCErrorCode =
  | "INVALID_OPTION"
  | "INVALID_STATE"
  | "NO_CONTEXT"
  | "NEGOTIATION"
  | "TRANSPORT"
  | "CODEC"
  | "HANDLER"
  | "SESSION_LIMIT"
  | "AUTHENTICATION"
  | "TIMEOUT"
  | "MODEL";

/** What every {@link FastRTCError} can carry besides its message. */
export interface FastRTCErrorOptions {
  /** The error that led to this one. */
  readonly cause?: unknown;
  /** The session that it happened in. */
  readonly webrtcId?: string;
}

/** The base of every error that fastrtc throws. */
export class FastRTCError extends Error {
  override readonly name: string = "FastRTCError";
  /** Which kind of error this is. */
  readonly code: FastRTCErrorCode;
  /** The session that it happened in, where there is one. */
  readonly webrtcId: string | undefined;

  constructor(code: FastRTCErrorCode, message: string, options: FastRTCErrorOptions = {}) {
    super(message, "cause" in options ? { cause: options.cause } : undefined);
    this.code = code;
    this.webrtcId = options.webrtcId;
    Object.defineProperty(this, BRAND, { value: true });
  }
}

/**
 * Tells whether a value is an error of fastrtc's, also when two copies of the package are loaded.
 *
 * @param value - Anything that was caught.
 */
export function isFastRTCError(value: unknown): value is FastRTCError {
  return typeof value === "object" && value !== null && BRAND in value;
}

/** An option or argument has a value that cannot work. */
export class InvalidOptionError extends FastRTCError {
  override readonly name = "InvalidOptionError";
  /** The option's name, as the caller wrote it. */
  readonly option: string;

  /**
   * @param option - The option's name.
   * @param value - What was given.
   * @param remedy - What to give instead, as a full sentence.
   */
  constructor(option: string, value: unknown, remedy: string, options: FastRTCErrorOptions = {}) {
    super("INVALID_OPTION", `Invalid ${option}: ${describe(value)}. ${remedy}`, options);
    this.option = option;
  }
}

/** The call does not fit the state that the object is in. */
export class InvalidStateError extends FastRTCError {
  override readonly name = "InvalidStateError";
  constructor(message: string, options: FastRTCErrorOptions = {}) {
    super("INVALID_STATE", message, options);
  }
}

/** The session's context was asked for outside a session. */
export class NoContextError extends FastRTCError {
  override readonly name = "NoContextError";
  constructor() {
    super(
      "NO_CONTEXT",
      "No context found: this code does not run below a session. Call it from a handler, use getContext() where it may be absent, or wrap the callback in bindContext().",
    );
  }
}

/** Why an offer, a candidate or another request of a client is refused; the words are the wire's. */
export type NegotiationErrorReason =
  | "connection_already_exists"
  | "unknown_connection"
  | "invalid_candidate_format"
  | "connection_closed"
  | "invalid_request"
  | "invalid_offer"
  | "server_closing"
  | "unavailable";

const NEGOTIATION_STATUS = {
  connection_already_exists: 409,
  unknown_connection: 404,
  invalid_candidate_format: 400,
  connection_closed: 410,
  invalid_request: 422,
  invalid_offer: 400,
  server_closing: 503,
  unavailable: 503,
} as const satisfies Record<NegotiationErrorReason, number>;

/** One thing that is wrong with what a client sent. */
export interface InputIssue {
  /** The field, such as `style.speed`; empty for the whole. */
  readonly path: string;
  /** What is wrong with it. */
  readonly message: string;
}

/** Shapes a {@link NegotiationError}. */
export interface NegotiationErrorOptions extends FastRTCErrorOptions {
  /** What is wrong, field by field; the client is told. */
  readonly issues?: readonly InputIssue[];
  /** What the client is told. @defaultValue "invalid_offer" */
  readonly reason?: NegotiationErrorReason;
  /** An HTTP status that says more than the one of `reason`. @defaultValue that of `reason` */
  readonly status?: number;
}

/** An offer, answer or candidate cannot be used. */
export class NegotiationError extends FastRTCError {
  override readonly name = "NegotiationError";
  /** What the client is told. */
  readonly reason: NegotiationErrorReason;
  /** The HTTP status that says so best. */
  readonly status: number;
  /** What is wrong, field by field; the client is told. */
  readonly issues: readonly InputIssue[];
  constructor(message: string, options: NegotiationErrorOptions = {}) {
    super("NEGOTIATION", message, options);
    this.reason = options.reason ?? "invalid_offer";
    this.status = options.status ?? NEGOTIATION_STATUS[this.reason];
    this.issues = options.issues ?? [];
  }
}

/** The network path of a session failed. */
export class TransportError extends FastRTCError {
  override readonly name = "TransportError";
  constructor(message: string, options: FastRTCErrorOptions = {}) {
    super("TRANSPORT", message, options);
  }
}

/** A chunk cannot be decoded, or a frame cannot be encoded. */
export class CodecError extends FastRTCError {
  override readonly name = "CodecError";
  constructor(message: string, options: FastRTCErrorOptions = {}) {
    super("CODEC", message, options);
  }
}

/** The user's code threw; the thrown value is the `cause`. */
export class HandlerError extends FastRTCError {
  override readonly name = "HandlerError";
  constructor(message: string, options: FastRTCErrorOptions = {}) {
    super("HANDLER", message, options);
  }
}

/**
 * Throw it from a handler to tell the client something in your own words; the text of every other
 * error stays on the server.
 */
export class WebRTCError extends FastRTCError {
  override readonly name = "WebRTCError";
  /** @param message - Shown to the user as it is. */
  constructor(message: string, options: FastRTCErrorOptions = {}) {
    super("HANDLER", message, options);
  }
}

/** No further session may begin now. */
export class SessionLimitError extends FastRTCError {
  override readonly name = "SessionLimitError";
  /** How many sessions may live at the same time. */
  readonly limit: number;
  /** After how many seconds it is worth trying again. */
  readonly retryAfterSeconds: number;
  constructor(limit: number, retryAfterSeconds: number, options: FastRTCErrorOptions = {}) {
    super(
      "SESSION_LIMIT",
      `The limit of ${String(limit)} simultaneous sessions is reached.`,
      options,
    );
    this.limit = limit;
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

/** The caller may not do this. */
export class AuthenticationError extends FastRTCError {
  override readonly name = "AuthenticationError";
  constructor(message = "Not authorized.", options: FastRTCErrorOptions = {}) {
    super("AUTHENTICATION", message, options);
  }
}

/** Something did not happen in the time that was given to it. */
export class TimeoutError extends FastRTCError {
  override readonly name = "TimeoutError";
  constructor(message: string, options: FastRTCErrorOptions = {}) {
    super("TIMEOUT", message, options);
  }
}

/** Says more of a {@link ModelError}. */
export interface ModelErrorOptions extends FastRTCErrorOptions {
  /** The HTTP status that the model's server answered with. */
  readonly status?: number | undefined;
  /** After how many milliseconds the server wants to be asked again. */
  readonly retryAfterMs?: number | undefined;
}

/** A speech or language model refused, failed, or answered with what cannot be used. */
export class ModelError extends FastRTCError {
  override readonly name = "ModelError";
  /** Which model, such as `openai whisper-1`. */
  readonly model: string;
  /** The HTTP status that its server answered with, where it has one and answered. */
  readonly status: number | undefined;
  /** After how many milliseconds the server wants to be asked again, where it said so. */
  readonly retryAfterMs: number | undefined;

  /**
   * @param model - Which model.
   * @param message - What happened, to which input, and what to do.
   */
  constructor(model: string, message: string, options: ModelErrorOptions = {}) {
    super("MODEL", `${model}: ${message}`, options);
    this.model = model;
    this.status = options.status;
    this.retryAfterMs = options.retryAfterMs;
  }
}

function describe(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value.slice(0, 100));
  if (typeof value === "function") return `function ${value.name || "(anonymous)"}`;
  if (typeof value === "object" && value !== null) {
    const name = (value as { constructor?: { name?: string } }).constructor?.name ?? "object";
    return Array.isArray(value) ? `array of ${String(value.length)}` : name;
  }
  return String(value);
}

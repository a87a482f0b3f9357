/**
 * Errors between processes: an error of the taxonomy arrives as the same class, with what a caller
 * decides by. No stack, no cause and nothing of anybody else's errors leaves the process.
 */

import {
  AuthenticationError,
  CodecError,
  HandlerError,
  InvalidOptionError,
  InvalidStateError,
  isFastRTCError,
  ModelError,
  NegotiationError,
  NoContextError,
  SessionLimitError,
  TimeoutError,
  TransportError,
  WebRTCError,
} from "../../errors.ts";
import type { FastRTCError, InputIssue, NegotiationErrorReason } from "../../errors.ts";

/** An error as it travels. */
export interface RemoteError {
  /** The class's name. */
  readonly name: string;
  readonly message: string;
  readonly webrtcId?: string;
  /** Of a {@link NegotiationError}. */
  readonly reason?: string;
  /** Of a {@link NegotiationError}. */
  readonly status?: number;
  /** Of a {@link NegotiationError}. */
  readonly issues?: readonly InputIssue[];
  /** Of a {@link SessionLimitError}. */
  readonly limit?: number;
  /** Of a {@link SessionLimitError}. */
  readonly retryAfterSeconds?: number;
  /** Of an {@link InvalidOptionError}. */
  readonly option?: string;
  /** Of a {@link ModelError}. */
  readonly model?: string;
}

const FAILED = "Another process failed to answer; its log says why.";

const REASONS = {
  connection_already_exists: true,
  unknown_connection: true,
  invalid_candidate_format: true,
  connection_closed: true,
  invalid_request: true,
  invalid_offer: true,
  server_closing: true,
  unavailable: true,
} as const satisfies Record<NegotiationErrorReason, true>;

/** Takes from an error what may leave the process. */
export function describeError(error: unknown): RemoteError {
  // Not a TransportError: the process is there, and what it was asked for failed.
  if (!isFastRTCError(error)) return { name: "HandlerError", message: FAILED };
  // By name and not by class: two copies of the package may be loaded.
  const { name, message, webrtcId } = error;
  const common = { name, message, ...(webrtcId === undefined ? {} : { webrtcId }) };
  switch (name) {
    case "NegotiationError": {
      const { reason, status, issues } = error as FastRTCError &
        Pick<NegotiationError, "reason" | "status" | "issues">;
      return { ...common, reason, status, issues };
    }
    case "SessionLimitError": {
      const { limit, retryAfterSeconds } = error as FastRTCError &
        Pick<SessionLimitError, "limit" | "retryAfterSeconds">;
      return { ...common, limit, retryAfterSeconds };
    }
    case "InvalidOptionError":
      return {
        ...common,
        option: (error as FastRTCError & Pick<InvalidOptionError, "option">).option,
      };
    case "ModelError":
      return { ...common, model: (error as FastRTCError & Pick<ModelError, "model">).model };
    default:
      return common;
  }
}

/**
 * Makes an error again.
 *
 * @param value - What arrived, unchecked; a {@link TransportError} stands for what cannot be read.
 */
export function rebuildError(value: unknown): FastRTCError {
  const sent = typeof value === "object" && value !== null ? (value as Partial<RemoteError>) : {};
  const message = typeof sent.message === "string" ? sent.message : FAILED;
  const options = typeof sent.webrtcId === "string" ? { webrtcId: sent.webrtcId } : {};
  switch (sent.name) {
    case "NegotiationError":
      return new NegotiationError(message, {
        ...options,
        reason: isReason(sent.reason) ? sent.reason : "invalid_request",
        ...(isStatus(sent.status) ? { status: sent.status } : {}),
        issues: Array.isArray(sent.issues) ? sent.issues.filter(isIssue) : [],
      });
    case "SessionLimitError":
      return new SessionLimitError(number(sent.limit), number(sent.retryAfterSeconds), options);
    case "InvalidOptionError": {
      const option = typeof sent.option === "string" ? sent.option : "option";
      return withMessage(new InvalidOptionError(option, undefined, "", options), message);
    }
    case "ModelError": {
      const model = typeof sent.model === "string" ? sent.model : "model";
      return withMessage(new ModelError(model, "", options), message);
    }
    case "AuthenticationError":
      return new AuthenticationError(message, options);
    case "InvalidStateError":
      return new InvalidStateError(message, options);
    case "NoContextError":
      return new NoContextError();
    case "CodecError":
      return new CodecError(message, options);
    case "HandlerError":
      return new HandlerError(message, options);
    case "WebRTCError":
      return new WebRTCError(message, options);
    case "TimeoutError":
      return new TimeoutError(message, options);
    case undefined:
    default:
      return new TransportError(message, options);
  }
}

// These classes write their message themselves, of parts that are in the other process.
function withMessage(error: FastRTCError, message: string): FastRTCError {
  error.message = message;
  return error;
}

function isReason(value: unknown): value is NegotiationErrorReason {
  return typeof value === "string" && Object.hasOwn(REASONS, value);
}

// A status that HTTP would not take must not become a second error on its way out.
function isStatus(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 400 && (value as number) <= 599;
}

function isIssue(value: unknown): value is InputIssue {
  if (typeof value !== "object" || value === null) return false;
  const { path, message } = value as Partial<InputIssue>;
  return typeof path === "string" && typeof message === "string";
}

function number(value: unknown): number {
  return typeof value === "number" ? value : 0;
}

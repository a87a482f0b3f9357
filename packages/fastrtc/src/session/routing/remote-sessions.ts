/**
 * The sessions of another process: what {@link SessionOperations} asks goes over the backplane's bus,
 * and is done there by that process's {@link LocalSessions}.
 *
 * Messages come from our own processes only: they are trusted, the clients behind them are not, so
 * their tokens and requests travel along and are checked by the owner of the session.
 */

import type { AnswerResponse, CandidateRequest, OfferRequest } from "@fastrtc/protocol";

import { InvalidStateError, NegotiationError, isFastRTCError } from "../../errors.ts";
import type { OutputArgs } from "../outputs.ts";
import type { RemoteCalls } from "../backplane/remote-calls.ts";
import type { RemoteCaller, RemoteService } from "../backplane/remote-serving.ts";
import type { Credentials } from "../admission/session-access.ts";
import type { SessionContextData } from "../context/session-context.ts";
import type { EarlierSession } from "../admission/session-host.ts";
import type { SessionOperations } from "./session-operations.ts";
import type { IncomingOffer } from "../entry/webrtc-signaling.ts";

// A request as JSON; its body is read already.
interface PlainArrival {
  readonly method: string;
  readonly url: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly remoteAddress: string | undefined;
}

/** What one process asks of another. */
type RemoteRequest =
  | { readonly op: "offer"; readonly body: OfferRequest; readonly arrival: PlainArrival }
  | { readonly op: "candidate"; readonly body: CandidateRequest }
  | {
      readonly op: "inputs";
      readonly webrtcId: string;
      readonly inputs: unknown;
      readonly credentials: Credentials;
    }
  | { readonly op: "outputs"; readonly webrtcId: string; readonly credentials: Credentials }
  | { readonly op: "next-output"; readonly webrtcId: string; readonly timeoutMs: number }
  | { readonly op: "send"; readonly webrtcId: string; readonly data: unknown }
  | { readonly op: "close"; readonly webrtcId: string; readonly message: string | undefined }
  | { readonly op: "let-go"; readonly earlier: EarlierSession }
  | { readonly op: "describe"; readonly webrtcId: string };

/** Asks one other process. */
export class RemoteSessions implements SessionOperations {
  readonly #calls: RemoteCalls;
  readonly #owner: string;

  /** @param owner - The process to ask, as the backplane names it. */
  constructor(calls: RemoteCalls, owner: string) {
    this.#calls = calls;
    this.#owner = owner;
  }

  async offer({ body, arrival }: IncomingOffer): Promise<AnswerResponse> {
    const { request, remoteAddress } = arrival;
    const { method, url, headers } = request;
    const plain = { method, url, headers: [...headers], remoteAddress };
    const answer = this.#calls.call(this.#owner, { op: "offer", body, arrival: plain });
    return (await answer) as AnswerResponse;
  }

  async addCandidate(body: CandidateRequest): Promise<void> {
    await this.#ask({ op: "candidate", body });
  }

  async setInputs(webrtcId: string, inputs: unknown, credentials: Credentials): Promise<void> {
    await this.#ask({ op: "inputs", webrtcId, inputs, credentials });
  }

  async outputs(
    webrtcId: string,
    credentials: Credentials,
    signal: AbortSignal | undefined,
  ): Promise<AsyncIterable<OutputArgs>> {
    const request: RemoteRequest = { op: "outputs", webrtcId, credentials };
    const opened = this.#calls.open(this.#owner, request, signal).catch(refuseForNow);
    return (await opened) as AsyncIterable<OutputArgs>;
  }

  async nextOutput(webrtcId: string, timeoutMs: number): Promise<OutputArgs> {
    const request: RemoteRequest = { op: "next-output", webrtcId, timeoutMs };
    // Whoever waits for an output reckons with none in time, wherever the time ran out.
    const output = this.#calls.call(this.#owner, request).catch(refuseIfGone);
    return (await output) as OutputArgs;
  }

  async send(webrtcId: string, data: unknown): Promise<void> {
    await this.#ask({ op: "send", webrtcId, data });
  }

  async close(webrtcId: string, message: string | undefined): Promise<void> {
    await this.#ask({ op: "close", webrtcId, message });
  }

  async letGo(earlier: EarlierSession): Promise<void> {
    await this.#ask({ op: "let-go", earlier });
  }

  async describe(webrtcId: string): Promise<SessionContextData> {
    return (await this.#ask({ op: "describe", webrtcId })) as SessionContextData;
  }

  #ask(request: RemoteRequest): Promise<unknown> {
    return this.#calls.call(this.#owner, request).catch(refuseForNow);
  }
}

// Whoever asks again will hear from the owner, or that the session has ended with it.
function refuseForNow(error: unknown): never {
  if (isFastRTCError(error) && error.code === "TIMEOUT") throw unavailable(error);
  return refuseIfGone(error);
}

function refuseIfGone(error: unknown): never {
  if (isFastRTCError(error) && error.code === "TRANSPORT") throw unavailable(error);
  throw error;
}

function unavailable(cause: unknown): NegotiationError {
  return new NegotiationError("The process that has the session does not answer.", {
    reason: "unavailable",
    cause,
  });
}

/** Does for other processes what they ask of the sessions here. */
export class RemoteSessionService implements RemoteService {
  readonly #local: SessionOperations;

  constructor(local: SessionOperations) {
    this.#local = local;
  }

  async answer(message: unknown): Promise<unknown> {
    const local = this.#local;
    const request = message as RemoteRequest;
    switch (request.op) {
      case "offer": {
        const { body, arrival } = request;
        return await local.offer({ body, arrival: arrivalOf(arrival), localAddress: undefined });
      }
      case "candidate": {
        await local.addCandidate(request.body);
        return;
      }
      case "inputs": {
        await local.setInputs(request.webrtcId, request.inputs, request.credentials);
        return;
      }
      case "next-output":
        return await local.nextOutput(request.webrtcId, request.timeoutMs);
      case "send": {
        await local.send(request.webrtcId, request.data);
        return;
      }
      case "close": {
        await local.close(request.webrtcId, request.message);
        return;
      }
      case "let-go": {
        await local.letGo(request.earlier);
        return;
      }
      case "describe":
        return await local.describe(request.webrtcId);
      case "outputs":
      default:
        throw unknownOperation();
    }
  }

  async open(message: unknown, { signal }: RemoteCaller): Promise<AsyncIterable<OutputArgs>> {
    const request = message as RemoteRequest;
    if (request.op !== "outputs") throw unknownOperation();
    return await this.#local.outputs(request.webrtcId, request.credentials, signal);
  }
}

// During an update, processes of two versions may talk to each other.
function unknownOperation(): InvalidStateError {
  return new InvalidStateError("Another process asks for what this version does not know.");
}

function arrivalOf(plain: PlainArrival): IncomingOffer["arrival"] {
  const { method, url, headers, remoteAddress } = plain;
  return {
    request: new Request(url, { method, headers: headers.map(([name, value]) => [name, value]) }),
    transport: "webrtc",
    remoteAddress,
  };
}

/**
 * The telephone's way in: a carrier's webhook is answered, its media socket is let in, and the call
 * becomes a session when its media begins. `http/telephone-routes.ts` calls.
 */

import { isFastRTCError, NegotiationError } from "../../errors.ts";
import type { FastRTCError, NegotiationErrorReason } from "../../errors.ts";
import type { Clock } from "../../media/clock.ts";
import type { Logger } from "../../observe/logger.ts";
import type {
  Carrier,
  CarrierCall,
  CarrierEvent,
  CarrierRoutes,
  CarrierWire,
} from "../../transport/telephone/carrier.ts";
import { isSessionId } from "../../transport/session-id.ts";
import { TelephoneTransport } from "../../transport/telephone/telephone-transport.ts";
import { CloseCode, closeCodeOf } from "../../transport/websocket/close-codes.ts";
import { HeldSocket } from "../../transport/telephone/held-socket.ts";
import type { MessageSocket } from "../../transport/websocket/message-socket.ts";
import type { Identity, SessionHost } from "../admission/session-host.ts";
import type { TelephoneOptions } from "./telephone-options.ts";

/** How long a media socket may take to say whose call it is; carriers do within 100 ms. */
const START_MS = 10_000;
/** Media sockets without a call; the oldest must go when there are more. */
const MAX_PENDING = 256;
/** Malformed messages before the start that are tolerated. */
const MAX_MALFORMED = 10;
/** How long the carrier's API may take to end a call. */
const HANG_UP_MS = 5000;

/** What a {@link TelephoneEntry} works with. */
export interface TelephoneEntryOptions {
  readonly host: SessionHost;
  /** Chooses a call's session parameters. @defaultValue none */
  readonly params?: TelephoneOptions["params"];
  readonly clock: Clock;
  readonly logger: Logger;
}

/** A request of a carrier's. */
export interface CarrierRequest {
  readonly carrier: Carrier;
  readonly request: Request;
  readonly routes: CarrierRoutes;
  /** The peer's address, or that of the trusted proxy's client. */
  readonly remoteAddress: string | undefined;
}

/** Lets calls in. */
export class TelephoneEntry {
  readonly #options: TelephoneEntryOptions;
  readonly #pending = new Set<(code: number, reason: string) => void>();
  #isClosed = false;

  constructor(options: TelephoneEntryOptions) {
    this.#options = options;
  }

  /** How many media sockets have not said whose call they are. */
  get pendingCount(): number {
    return this.#pending.size;
  }

  /**
   * Answers a carrier's webhook, so that it opens a media socket.
   *
   * @param body - The raw body.
   * @throws {@link AuthenticationError} when the carrier has not sent it, or the application refuses
   * the call.
   * @throws {@link NegotiationError} when it cannot be read.
   */
  async announce(arrival: CarrierRequest, body: string): Promise<Response> {
    const { carrier, request, routes } = arrival;
    const call = await carrier.announce(request, body, routes);
    if (!call) return new Response(null);
    await this.#identify(arrival);
    const params = await this.#options.params?.({ ...call, carrier: carrier.name, request });
    return await carrier.answer(call, routes, params ?? {});
  }

  /**
   * Lets a media socket in.
   *
   * @returns what takes the open socket.
   * @throws {@link AuthenticationError} when the carrier does not open it, or the application
   * refuses it.
   */
  async admit(arrival: CarrierRequest): Promise<(socket: MessageSocket) => void> {
    await arrival.carrier.authorize(arrival.request, arrival.routes);
    const identity = await this.#identify(arrival);
    return (socket) => {
      this.#awaitStart(socket, arrival, identity);
    };
  }

  /** Lets no further call in, and closes the sockets that have not become sessions. */
  close(): void {
    this.#isClosed = true;
    for (const refuse of [...this.#pending]) refuse(CloseCode.goingAway, "The server is closing.");
  }

  async #identify({ request, remoteAddress }: CarrierRequest): Promise<Identity> {
    if (this.#isClosed) {
      throw new NegotiationError("The stream is closing.", { reason: "server_closing" });
    }
    return await this.#options.host.identify({ request, transport: "telephone", remoteAddress });
  }

  #awaitStart(socket: MessageSocket, arrival: CarrierRequest, identity: Identity): void {
    const { clock, logger } = this.#options;
    const { carrier, request, remoteAddress } = arrival;
    const wire = carrier.wire(request);
    let malformed = 0;
    const done = (): void => {
      timer.cancel();
      this.#pending.delete(refuse);
    };
    const refuse = (code: number, reason: string): void => {
      done();
      logger.info("A media socket was refused.", { carrier: carrier.name, remoteAddress, reason });
      socket.listen(NOBODY);
      socket.close(code, reason);
    };
    const timer = clock.setTimeout(() => {
      refuse(CloseCode.timeout, "No start in time.");
    }, START_MS);
    if (this.#pending.size >= MAX_PENDING) {
      const [oldest] = this.#pending;
      oldest?.(CloseCode.tryAgainLater, "Too many sockets wait for their start.");
    }
    this.#pending.add(refuse);
    if (this.#isClosed) {
      refuse(CloseCode.goingAway, "The server is closing.");
      return;
    }
    socket.listen({
      onMessage: (message) => {
        let event: CarrierEvent | undefined;
        try {
          event = wire.read(message);
        } catch (error) {
          logger.debug("A message before the start was dropped.", { carrier: carrier.name, error });
          if (++malformed > MAX_MALFORMED) refuse(CloseCode.badMessage, "Malformed messages.");
          return;
        }
        if (!event || event.type === "complaint") return;
        if (event.type !== "start") {
          refuse(CloseCode.badMessage, "The first message must be the start.");
          return;
        }
        done();
        void this.#begin(new HeldSocket(socket), { carrier, identity, wire, call: event.call });
      },
      onClosed: done,
    });
  }

  async #begin(
    socket: HeldSocket,
    start: { carrier: Carrier; identity: Identity; wire: CarrierWire; call: CarrierCall },
  ): Promise<void> {
    const { host, clock, logger } = this.#options;
    const { carrier, identity, wire, call } = start;
    const { callId, from, to, params } = call;
    const hangUp = this.#hangUp(carrier, call);
    try {
      await host.begin({
        identity,
        webrtcId: idOf(call),
        params,
        sessionToken: undefined,
        tellsToken: false,
        telephone: { carrier: carrier.name, callId, from, to },
        createTransport: () =>
          new TelephoneTransport({
            socket,
            wire,
            call,
            clock,
            logger,
            ...(hangUp ? { hangUp } : {}),
          }),
      });
    } catch (error) {
      const { code, reason } = refusalOf(error);
      const fields = { carrier: carrier.name, callId, error };
      if (code === CloseCode.internalError) logger.error("A call could not begin.", fields);
      else logger.info("A call was refused.", fields);
      socket.listen(NOBODY);
      socket.close(code, reason);
      // Otherwise the caller would listen to nothing; but a call that lives must not end because
      // somebody else presents its name.
      if (code !== CloseCode.conflict) await hangUp?.();
    }
  }

  // Ends the call at the carrier once, however often it is asked to.
  #hangUp(carrier: Carrier, call: CarrierCall): (() => Promise<void>) | undefined {
    if (!carrier.hangUp) return undefined;
    const { clock, logger } = this.#options;
    const end = carrier.hangUp.bind(carrier);
    let ended: Promise<void> | undefined;
    const hangUp = async (): Promise<void> => {
      const timeout = new AbortController();
      const timer = clock.setTimeout(() => timeout.abort(), HANG_UP_MS);
      try {
        await end(call, timeout.signal);
      } catch (error) {
        const fields = { carrier: carrier.name, callId: call.callId, error };
        logger.error("The call could not be ended at the carrier.", fields);
      } finally {
        timer.cancel();
      }
    };
    return () => (ended ??= hangUp());
  }
}

const NOBODY = {
  onMessage: (): void => undefined,
  onClosed: (): void => undefined,
};

// As FastRTC does: its sessions of calls are named after the stream.
function idOf({ streamId, callId }: CarrierCall): string {
  const id = streamId ?? callId;
  if (isSessionId(id)) return id;
  throw new NegotiationError("The stream's name is not one.", { reason: "invalid_request" });
}

const SENTENCES = {
  NEGOTIATION: "The call cannot be taken.",
  SESSION_LIMIT: "Too many sessions live at the same time.",
  AUTHENTICATION: "Not authorized.",
} as const;

function refusalOf(error: unknown): { readonly code: number; readonly reason: string } {
  if (isFastRTCError(error)) {
    switch (error.code) {
      case "NEGOTIATION": {
        const { reason } = error as FastRTCError & { readonly reason: NegotiationErrorReason };
        return { code: closeCodeOf(reason), reason: SENTENCES[error.code] };
      }
      case "SESSION_LIMIT":
        return { code: CloseCode.tryAgainLater, reason: SENTENCES[error.code] };
      case "AUTHENTICATION":
        return { code: CloseCode.notAuthorized, reason: SENTENCES[error.code] };
      default:
        break;
    }
  }
  return { code: CloseCode.internalError, reason: "Something went wrong on the server." };
}

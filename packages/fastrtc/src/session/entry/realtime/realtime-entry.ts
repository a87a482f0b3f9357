/**
 * The way in for clients of the OpenAI Realtime API: a socket or an offer in, a session out.
 *
 * `http/realtime-routes.ts` calls. Who somebody is, the stream's `authenticate` decides, which reads
 * the client's key as a bearer token; browsers may be given keys that expire in its place.
 */

import { NegotiationError } from "../../../errors.ts";
import type { Clock } from "../../../media/clock.ts";
import { EventWriter } from "../../../transport/realtime/event-writer.ts";
import { isRealtimeId, realtimeId } from "../../../transport/realtime/realtime-id.ts";
import { RealtimeTransport } from "../../../transport/realtime/realtime-transport.ts";
import type { RealtimeCarrier } from "../../../transport/realtime/realtime-webrtc-transport.ts";
import { RealtimeWebRtcTransport } from "../../../transport/realtime/realtime-webrtc-transport.ts";
import type { Transport } from "../../../transport/transport.ts";
import type { MessageSocket } from "../../../transport/websocket/message-socket.ts";
import type {
  Arrival,
  Identity,
  OpenedSession,
  SessionHost,
  SessionOpening,
} from "../../admission/session-host.ts";
import { WebRtcSignaling } from "../webrtc-signaling.ts";
import type { WebRtcSignalingOptions } from "../webrtc-signaling.ts";
import { ClientSecrets } from "./client-secrets.ts";
import type { ClientSecret, SecretOwner } from "./client-secrets.ts";
import { createRealtimeConverter } from "./realtime-audio.ts";
import { registerRealtimeSession } from "./realtime-session.ts";

/** What stands before a browser's key among its subprotocols. */
const KEY_PROTOCOL = "openai-insecure-api-key.";
const MAX_QUERY_PARAMS = 50;
/** RFC 6455 section 7.4.1. */
const POLICY_VIOLATION = 1008;

/** Why a session was refused, in words for the client. */
export interface RealtimeRefusalText {
  readonly code: string;
  readonly message: string;
}

/** What a {@link RealtimeEntry} works with. */
export interface RealtimeEntryOptions {
  readonly host: SessionHost;
  /** How peer connections are made; a signaling of its own is made of it. */
  readonly webrtc: Omit<WebRtcSignalingOptions, "host">;
  /** What clients that name no model are told. */
  readonly model: string;
  /** Puts an error into the words that a client may read; logs what it may not. */
  readonly describeRefusal: (error: unknown) => RealtimeRefusalText;
  /** Ends a session, in whichever process it lives. */
  readonly endSession: (webrtcId: string) => Promise<void>;
  readonly clock: Clock;
}

/** A request, and where it came from. */
export interface RealtimeArrival {
  readonly request: Request;
  readonly remoteAddress: string | undefined;
  /** Our address that it reached. */
  readonly localAddress?: string | undefined;
}

/** An offer, as it was posted. */
export interface RealtimeOffer {
  readonly sdp: string;
  /** A `session` object, unchecked. */
  readonly session: unknown;
}

/** Begins the sessions of Realtime clients. */
export class RealtimeEntry {
  readonly #options: RealtimeEntryOptions;
  readonly #secrets = new ClientSecrets();
  readonly #signaling: WebRtcSignaling;

  constructor(options: RealtimeEntryOptions) {
    this.#options = options;
    const host: SessionHost = {
      identify: async (arrival) => (await this.#identify(arrival)).identity,
      begin: (opening) => this.#begin(opening),
    };
    this.#signaling = new WebRtcSignaling({ ...options.webrtc, host });
  }

  /**
   * Makes a key for a browser, which stands for whoever asks for it. With such a key none can be had:
   * it would never expire.
   *
   * @param seconds - How long it is valid.
   * @throws {@link AuthenticationError} when the application does not want to know them.
   */
  async createSecret(
    arrival: RealtimeArrival,
    session: unknown,
    seconds: number | undefined,
  ): Promise<ClientSecret> {
    const identity = await this.#options.host.identify(arrivalOf(arrival, "websocket"));
    return this.#secrets.create({ user: identity.user, session }, seconds);
  }

  /**
   * Decides whether a socket may be opened.
   *
   * @returns what takes the open socket.
   * @throws {@link AuthenticationError} when the application does not know the client.
   */
  async accept(arrival: RealtimeArrival): Promise<(socket: MessageSocket) => void> {
    const request = withBearer(arrival.request);
    const { identity, secret } = await this.#identify(
      arrivalOf({ ...arrival, request }, "websocket"),
    );
    return (socket) => void this.#beginOn(socket, identity, secret?.session);
  }

  /**
   * Answers an offer.
   *
   * @throws {@link NegotiationError} when it cannot be answered.
   * @throws {@link SessionLimitError} when no further session may begin.
   * @throws {@link AuthenticationError} when the application does not know the client.
   */
  async answer(
    arrival: RealtimeArrival,
    offer: RealtimeOffer,
  ): Promise<{ readonly callId: string; readonly sdp: string }> {
    const { clock } = this.#options;
    const callId = realtimeId("rtc");
    const secret = this.#secretOf(arrival.request);
    const { params, model } = this.#readUrl(arrival.request);
    const { sdp } = await this.#signaling.offer({
      body: { type: "offer", sdp: offer.sdp, webrtc_id: callId, params },
      arrival: arrivalOf(arrival, "webrtc"),
      localAddress: arrival.localAddress,
      wrap: (carrier) =>
        new RealtimeWebRtcTransport({
          // What the signaling makes is a WebRtcTransport, which can do that.
          carrier: carrier as RealtimeCarrier,
          id: callId,
          model,
          session: offer.session ?? secret?.session,
          clock,
        }),
    });
    return { callId, sdp };
  }

  /**
   * Ends a session of WebRTC. Nobody but its client has been told its id, which cannot be guessed.
   *
   * @throws {@link AuthenticationError} when the application does not know the client.
   * @throws {@link NegotiationError} when there is no such session.
   */
  async hangUp(arrival: RealtimeArrival, callId: string): Promise<void> {
    await this.#identify(arrivalOf(arrival, "webrtc"));
    // Other sessions have names that their clients chose.
    if (!isRealtimeId("rtc", callId)) {
      throw new NegotiationError("No session has this id.", { reason: "unknown_connection" });
    }
    await this.#options.endSession(callId);
  }

  async #beginOn(socket: MessageSocket, identity: Identity, session: unknown): Promise<void> {
    const { clock, describeRefusal } = this.#options;
    const id = realtimeId("sess");
    const { params, model } = this.#readUrl(identity.arrival.request);
    try {
      await this.#begin({
        identity,
        webrtcId: id,
        params,
        sessionToken: undefined,
        createTransport: () =>
          new RealtimeTransport({
            socket,
            id,
            model,
            session,
            clock,
            createConverter: createRealtimeConverter,
          }),
      });
    } catch (error) {
      const { code, message } = describeRefusal(error);
      new EventWriter((text) => socket.send(text)).error({ code, message });
      socket.close(POLICY_VIOLATION, code);
    }
  }

  async #begin(opening: Omit<SessionOpening, "tellsToken">): Promise<OpenedSession> {
    const made: { transport?: Transport } = {};
    const opened = await this.#options.host.begin({
      ...opening,
      // The protocol has no word for it.
      tellsToken: false,
      createTransport: () => (made.transport = opening.createTransport()),
    });
    const { transport } = made;
    if (transport instanceof RealtimeTransport || transport instanceof RealtimeWebRtcTransport) {
      registerRealtimeSession(opened.session, transport.conversation);
      transport.start(opened.session.turns);
    }
    return opened;
  }

  async #identify(
    arrival: Arrival,
  ): Promise<{ readonly identity: Identity; readonly secret: SecretOwner | undefined }> {
    const secret = this.#secretOf(arrival.request);
    if (secret) return { identity: { arrival, user: secret.user }, secret };
    return { identity: await this.#options.host.identify(arrival), secret: undefined };
  }

  #secretOf(request: Request): SecretOwner | undefined {
    const [, key] = /^Bearer (ek_\S+)$/i.exec(request.headers.get("authorization") ?? "") ?? [];
    return key === undefined ? undefined : this.#secrets.find(key);
  }

  // What else stands in the query are the session's parameters.
  #readUrl(request: Request): { readonly model: string; readonly params: unknown } {
    const { model = this.#options.model, ...params } = Object.fromEntries(
      [...new URL(request.url).searchParams].slice(0, MAX_QUERY_PARAMS),
    );
    return { model, params: Object.keys(params).length > 0 ? params : undefined };
  }
}

function arrivalOf(
  { request, remoteAddress }: RealtimeArrival,
  transport: Arrival["transport"],
): Arrival {
  return { request, remoteAddress, transport };
}

// Browsers cannot set headers on a WebSocket; the application shall not care.
function withBearer(request: Request): Request {
  if (request.headers.has("authorization")) return request;
  const offered = (request.headers.get("sec-websocket-protocol") ?? "").split(",");
  const protocol = offered.find((name) => name.trim().startsWith(KEY_PROTOCOL))?.trim();
  if (protocol === undefined) return request;
  const headers = new Headers(request.headers);
  headers.set("authorization", `Bearer ${protocol.slice(KEY_PROTOCOL.length)}`);
  return new Request(request, { headers });
}

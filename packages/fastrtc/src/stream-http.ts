/** What the HTTP routes ask of a stream, answered by its sessions wherever they are. */

import type {
  AnswerResponse,
  CandidateRequest,
  ClientConfig,
  OfferRequest,
} from "@fastrtc/protocol";

import { isFastRTCError } from "./errors.ts";
import type {
  Readiness,
  RequestInfo,
  SessionRequestAccess,
  StreamService,
} from "./http/stream-service.ts";
import type { TrustedProxies } from "./http/trusted-proxy.ts";
import type { AuthenticateCall } from "./session/admission/authenticator.ts";
import { valueOf } from "./stream-options.ts";
import type { AnyStreamOptions, StreamMode } from "./stream-options.ts";
import type { StreamSessions } from "./stream-sessions.ts";

const TRACK_CONSTRAINTS = {
  channelCount: 1,
  echoCancellation: true,
  noiseSuppression: true,
  autoGainControl: true,
};

/** What {@link StreamHttp} works with. */
export interface StreamHttpOptions {
  readonly options: AnyStreamOptions;
  readonly mode: StreamMode;
  readonly sessions: StreamSessions;
  readonly proxies: TrustedProxies;
}

/** Answers the routes of one stream. */
export class StreamHttp implements StreamService {
  readonly #options: AnyStreamOptions;
  readonly #mode: StreamMode;
  readonly #sessions: StreamSessions;
  readonly #proxies: TrustedProxies;

  constructor({ options, mode, sessions, proxies }: StreamHttpOptions) {
    this.#options = options;
    this.#mode = mode;
    this.#sessions = sessions;
    this.#proxies = proxies;
  }

  offer(body: OfferRequest, request: Request, info: RequestInfo): Promise<AnswerResponse> {
    const remoteAddress = this.#proxies.clientAddress(request, info);
    return this.#sessions.operations.offer({
      body,
      arrival: { request, transport: "webrtc", remoteAddress },
      localAddress: info.localAddress,
    });
  }

  addCandidate(body: CandidateRequest): Promise<void> {
    return this.#sessions.operations.addCandidate(body);
  }

  async setInputs(inputs: unknown, access: SessionRequestAccess): Promise<void> {
    const { webrtcId, token, request, info } = access;
    await this.#authenticate(request, info, "inputs");
    await this.#sessions.operations.setInputs(webrtcId, inputs, { token });
  }

  async outputs(
    { webrtcId, token, request, info }: SessionRequestAccess,
    signal: AbortSignal,
  ): Promise<AsyncIterable<readonly unknown[]>> {
    await this.#authenticate(request, info, "outputs");
    return await this.#sessions.operations.outputs(webrtcId, { token }, signal);
  }

  async config(request: Request, info: RequestInfo): Promise<ClientConfig> {
    const { rtcConfiguration, trackConstraints, uiArgs = {} } = this.#options;
    // TURN servers' credentials are for those who may begin a session.
    const configuration = (await this.#isKnown(request, info))
      ? await valueOf(rtcConfiguration)
      : undefined;
    return {
      modality: "audio",
      mode: this.#mode,
      rtcConfiguration: configuration ? { ...configuration } : null,
      trackConstraints: trackConstraints ?? TRACK_CONSTRAINTS,
      additionalInputs: this.#sessions.inputs.jsonSchema,
      params: this.#sessions.params.jsonSchema,
      isOpen: this.#sessions.authenticator.isOpen,
      page: {
        title: uiArgs.title ?? "fastrtc",
        subtitle: uiArgs.subtitle ?? "Press start and speak.",
      },
    };
  }

  readiness(): Readiness {
    const { isClosed, registry } = this.#sessions;
    return { isReady: !isClosed, sessions: registry.size };
  }

  async #authenticate(
    request: Request,
    info: RequestInfo,
    transport: AuthenticateCall["transport"],
  ): Promise<void> {
    const remoteAddress = this.#proxies.clientAddress(request, info);
    await this.#sessions.authenticator.identify(request, { transport, remoteAddress });
  }

  async #isKnown(request: Request, info: RequestInfo): Promise<boolean> {
    try {
      await this.#authenticate(request, info, "config");
      return true;
    } catch (error) {
      if (isFastRTCError(error) && error.code === "AUTHENTICATION") return false;
      throw error;
    }
  }
}

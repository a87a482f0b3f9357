import type {
  AnswerResponse,
  CandidateRequest,
  ClientConfig,
  OfferRequest,
} from "@fastrtc/protocol";
import type {
  Readiness,
  RequestInfo,
  SessionRequestAccess,
  StreamService,
} from "../http/stream-service.ts";

/** One call that a {@link FakeStreamService} got. */
export interface FakeServiceCall {
  readonly method: keyof StreamService;
  readonly body: unknown;
  readonly request: Request;
  readonly info?: RequestInfo;
}

/** A {@link StreamService} that answers everything, remembers it, and refuses when told to. */
export class FakeStreamService implements StreamService {
  /** Every call, oldest first. */
  readonly calls: FakeServiceCall[] = [];
  /** What {@link FakeStreamService.readiness} says. */
  isReady = true;
  /** What every further call throws, while it is set. */
  failure: unknown;
  /** What {@link FakeStreamService.outputs} gives; by default an output, and then nothing more. */
  source: (signal: AbortSignal) => AsyncIterable<readonly unknown[]> = oneOutput;
  /** The signal of the last subscription. */
  subscription: AbortSignal | undefined;

  async offer(body: OfferRequest, request: Request, info: RequestInfo): Promise<AnswerResponse> {
    await this.#record({ method: "offer", body, request, info });
    return { type: "answer", sdp: `answer to ${body.sdp.slice(0, 20)}` };
  }

  async addCandidate(body: CandidateRequest, request: Request, info: RequestInfo): Promise<void> {
    await this.#record({ method: "addCandidate", body, request, info });
  }

  async setInputs(inputs: unknown, access: SessionRequestAccess): Promise<void> {
    const { webrtcId, token, request, info } = access;
    await this.#record({ method: "setInputs", body: { webrtcId, token, inputs }, request, info });
  }

  async outputs(
    access: SessionRequestAccess,
    signal: AbortSignal,
  ): Promise<AsyncIterable<readonly unknown[]>> {
    const { webrtcId, token, request, info } = access;
    this.subscription = signal;
    await this.#record({ method: "outputs", body: { webrtcId, token }, request, info });
    return this.source(signal);
  }

  readiness(): Readiness {
    return { isReady: this.isReady, sessions: this.calls.length };
  }

  async config(request: Request): Promise<ClientConfig> {
    await this.#record({ method: "config", body: undefined, request });
    return {
      modality: "audio",
      mode: "send-receive",
      rtcConfiguration: null,
      trackConstraints: {},
      additionalInputs: null,
      params: null,
      isOpen: true,
      page: { title: "Fake", subtitle: "" },
    };
  }

  #record(call: FakeServiceCall): Promise<void> {
    this.calls.push(call);
    // Whatever a test wants thrown, also what is no Error.
    // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors
    return this.failure === undefined ? Promise.resolve() : Promise.reject(this.failure);
  }
}

async function* oneOutput(signal: AbortSignal): AsyncGenerator<readonly unknown[]> {
  yield [{ role: "assistant", content: "Hello" }];
  await aborted(signal);
}

/** Resolves when a signal aborts. */
export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else {
      signal.addEventListener("abort", () => {
        resolve();
      });
    }
  });
}

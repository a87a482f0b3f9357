import { describe, expect, it } from "vitest";
import {
  AuthenticationError,
  FastRTCError,
  HandlerError,
  InvalidOptionError,
  InvalidStateError,
  NegotiationError,
  SessionLimitError,
  TransportError,
} from "../errors.ts";
import type { NegotiationErrorReason } from "../errors.ts";
import type { Logger } from "../observe/logger.ts";
import { silentLogger } from "../observe/logger.ts";
import { FakeStreamService } from "../testing/fake-stream-service.ts";
import { createRouter } from "./router.ts";
import type { Router, RouterOptions } from "./router.ts";

const ORIGIN = "http://127.0.0.1:7860";

interface Setup {
  readonly service: FakeStreamService;
  readonly router: Router;
  readonly logged: { message: string; fields: unknown }[];
}

function setUp(options: RouterOptions = {}): Setup {
  const service = new FakeStreamService();
  const logged: Setup["logged"] = [];
  const logger: Logger = {
    ...silentLogger,
    error: (message, fields) => logged.push({ message, fields }),
  };
  return { service, router: createRouter(service, { logger, ...options }), logged };
}

function post(path: string, body: unknown, headers: Record<string, string> = {}): Request {
  return new Request(ORIGIN + path, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });
}

async function answerTo(router: Router, request: Request): Promise<Response> {
  const response = await router(request, {});
  expect(response, "the path is ours").toBeDefined();
  return response!;
}

const offer = { type: "offer", sdp: "v=0", webrtc_id: "abc" };

describe("a refusal of the service", () => {
  const reasons: [NegotiationErrorReason, number][] = [
    ["connection_already_exists", 409],
    ["unknown_connection", 404],
    ["invalid_candidate_format", 400],
    ["connection_closed", 410],
    ["invalid_request", 422],
    ["invalid_offer", 400],
    ["server_closing", 503],
  ];

  it.each(reasons)("says %s with %i and a text of ours", async (reason, status) => {
    const { service, router, logged } = setUp();
    service.failure = new NegotiationError("secret detail", { reason });
    const response = await answerTo(router, post("/webrtc/offer", offer));
    const text = await response.text();
    expect(response.status).toBe(status);
    expect(JSON.parse(text)).toMatchObject({ status: "failed", meta: { error: reason } });
    expect(text).not.toContain("secret");
    expect(logged).toEqual([]);
  });

  it("keeps the status that the service asked for", async () => {
    const { service, router } = setUp();
    service.failure = new NegotiationError("No common codec.", { status: 488 });
    const response = await answerTo(router, post("/webrtc/offer", offer));
    expect(response.status).toBe(488);
    expect(await response.json()).toMatchObject({ meta: { error: "invalid_offer" } });
  });

  it("tells the limit, and when to try again", async () => {
    const { service, router } = setUp();
    service.failure = new SessionLimitError(3, 1.2);
    const response = await answerTo(router, post("/webrtc/offer", offer));
    expect(response.status).toBe(503);
    expect(response.headers.get("retry-after")).toBe("2");
    expect(await response.json()).toMatchObject({
      status: "failed",
      meta: { error: "concurrency_limit_reached", limit: 3 },
    });
  });

  it("says 401 in fixed words and names a scheme", async () => {
    const { service, router } = setUp();
    service.failure = new AuthenticationError("The token of bob@example.com has expired.");
    const response = await answerTo(router, post("/webrtc/offer", offer));
    expect(response.status).toBe(401);
    expect(response.headers.get("www-authenticate")).toBe("Bearer");
    expect(await response.json()).toEqual({
      status: "failed",
      meta: { error: "not_authorized", message: "Not authorized." },
    });
  });

  it("says that the server closes when the stream has been closed", async () => {
    const { service, router, logged } = setUp();
    service.failure = new InvalidStateError("The stream has been closed.");
    const response = await answerTo(router, post("/webrtc/offer", offer));
    expect(response.status).toBe(503);
    expect(response.headers.has("retry-after")).toBe(true);
    expect(await response.json()).toMatchObject({ meta: { error: "server_closing" } });
    // It may be a mistake of ours as well, so the operator reads of it.
    expect(logged).toHaveLength(1);
  });

  it.each([
    [new Error("password=hunter2")],
    ["password=hunter2"],
    [{ password: "hunter2" }],
    [null],
    [new HandlerError("hunter2", { cause: new Error("hunter2") })],
    [new TransportError("hunter2")],
    [new InvalidOptionError("hunter2", "hunter2", "hunter2")],
    [new FastRTCError("FROM_THE_FUTURE" as "CODEC", "hunter2")],
  ])("never lets %s out, but logs it", async (failure) => {
    const { service, router, logged } = setUp();
    service.failure = failure;
    const response = await answerTo(router, post("/webrtc/offer", offer));
    expect(response.status).toBe(500);
    expect(await response.json()).toEqual({
      status: "failed",
      meta: { error: "internal_error", message: "Something went wrong on the server." },
    });
    expect(logged).toEqual([{ message: "POST /webrtc/offer failed.", fields: { error: failure } }]);
  });

  it("reaches the clients of the other routes too", async () => {
    const { service, router } = setUp();
    service.failure = new NegotiationError("Gone.", { reason: "unknown_connection" });
    const requests = [
      post("/webrtc/offer", { type: "ice-candidate", webrtc_id: "a", candidate: null }),
      post("/input_hook", { webrtc_id: "a" }),
      new Request(`${ORIGIN}/outputs?webrtc_id=a`),
    ];
    for (const request of requests) expect((await answerTo(router, request)).status).toBe(404);
  });
});

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { InvalidOptionError } from "../errors.ts";
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
const candidate = {
  candidate: "candidate:1 1 udp 1 127.0.0.1 9 typ host",
  sdpMid: "0",
  sdpMLineIndex: 0,
};
const trickle = { type: "ice-candidate", webrtc_id: "abc", candidate };

describe("POST /webrtc/offer", () => {
  it("hands an offer on without the keys that the protocol does not know", async () => {
    const { service, router } = setUp();
    const info = { remoteAddress: "192.0.2.7", localAddress: "127.0.0.1" };
    const response = await router(post("/webrtc/offer", { ...offer, extra: 1 }), info);
    expect(response?.status).toBe(200);
    expect(response?.headers.get("cache-control")).toBe("no-store");
    expect(await response?.json()).toEqual({ type: "answer", sdp: "answer to v=0" });
    expect(service.calls[0]).toMatchObject({ method: "offer", body: offer, info });
    expect(service.calls[0]?.body).not.toHaveProperty("extra");
  });

  it("hands a candidate on", async () => {
    const { service, router } = setUp();
    const response = await answerTo(router, post("/webrtc/offer", trickle));
    expect(await response.json()).toEqual({ status: "success" });
    expect(service.calls[0]).toMatchObject({ method: "addCandidate", body: trickle });
  });

  it.each([
    ["an empty line", { candidate: "" }, { candidate: "" }],
    ["null", null, { candidate: "" }],
    [
      "null for the media section",
      { ...candidate, sdpMid: null, sdpMLineIndex: null },
      { sdpMid: null, sdpMLineIndex: null },
    ],
  ])("takes %s for a candidate", async (_title, given, expected) => {
    const { service, router } = setUp();
    const response = await answerTo(
      router,
      post("/webrtc/offer", { ...trickle, candidate: given }),
    );
    expect(response.status).toBe(200);
    expect(service.calls[0]?.body).toMatchObject({ candidate: expected });
  });

  it.each([
    [undefined],
    ["candidate:1"],
    [{}],
    [{ candidate: 1 }],
    [{ candidate: "x".repeat(2_000) }],
    [{ ...candidate, sdpMid: 0 }],
    [{ ...candidate, sdpMLineIndex: -1 }],
    [{ ...candidate, sdpMLineIndex: "0" }],
  ])("refuses %j as a candidate", async (given) => {
    const { service, router } = setUp();
    const response = await answerTo(
      router,
      post("/webrtc/offer", { ...trickle, candidate: given }),
    );
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({
      status: "failed",
      meta: { error: "invalid_candidate_format" },
    });
    expect(service.calls).toEqual([]);
  });

  it.each([
    ["no type", { ...offer, type: undefined }],
    ["an unknown type", { ...offer, type: "answer" }],
    ["no webrtc_id", { ...offer, webrtc_id: undefined }],
    ["an empty webrtc_id", { ...offer, webrtc_id: "" }],
    ["a number for a webrtc_id", { ...offer, webrtc_id: 7 }],
    ["a webrtc_id of 129 characters", { ...offer, webrtc_id: "x".repeat(129) }],
    ["a line break in the webrtc_id", { ...offer, webrtc_id: "a\nb" }],
    ["half a surrogate pair in the webrtc_id", { ...offer, webrtc_id: "a\ud800b" }],
    ["a C1 control character in the webrtc_id", { ...offer, webrtc_id: "a\u0085b" }],
    ["no sdp", { ...offer, sdp: undefined }],
    ["an sdp that is no text", { ...offer, sdp: {} }],
    ["an array", []],
    ["null", "null"],
    ["prototype keys only", '{"__proto__":{"type":"offer","sdp":"v=0","webrtc_id":"a"}}'],
  ])("refuses %s with 422", async (_title, body) => {
    const { service, router } = setUp();
    const response = await answerTo(router, post("/webrtc/offer", body));
    expect(response.status).toBe(422);
    expect(await response.json()).toMatchObject({
      status: "failed",
      meta: { error: "invalid_request" },
    });
    expect(service.calls).toEqual([]);
  });

  it("takes a webrtc_id of 128 characters", async () => {
    const { router } = setUp();
    const request = post("/webrtc/offer", { ...offer, webrtc_id: "ü".repeat(128) });
    expect((await answerTo(router, request)).status).toBe(200);
  });

  it.each([["v=0"], [""], ['{"type":']])("refuses the body %j with 400", async (body) => {
    const { router } = setUp();
    const response = await answerTo(router, post("/webrtc/offer", body));
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ meta: { error: "invalid_request" } });
  });

  it("refuses bytes that are not UTF-8 with 400", async () => {
    const { router } = setUp();
    const headers = { "content-type": "application/json" };
    const body = new Uint8Array([0x22, 0xff, 0x22]);
    const request = new Request(`${ORIGIN}/webrtc/offer`, { method: "POST", headers, body });
    expect((await answerTo(router, request)).status).toBe(400);
  });

  it.each([["text/plain"], ["application/x-www-form-urlencoded"], [""], ["application/jsonp"]])(
    "refuses the content type %j, which other sites may post without asking, with 415",
    async (type) => {
      const { service, router } = setUp();
      const request = post("/webrtc/offer", offer, { "content-type": type });
      expect((await answerTo(router, request)).status).toBe(415);
      expect(service.calls).toEqual([]);
    },
  );

  it.each([["application/json; charset=utf-8"], ["Application/JSON"], ["application/ld+json"]])(
    "takes the content type %j",
    async (type) => {
      const { router } = setUp();
      const request = post("/webrtc/offer", offer, { "content-type": type });
      expect((await answerTo(router, request)).status).toBe(200);
    },
  );

  it("takes an SDP of 64 kB and refuses one character more with 413", async () => {
    const { router } = setUp();
    const ofLength = (length: number): Request =>
      post("/webrtc/offer", { ...offer, sdp: "v".repeat(length) });
    expect((await answerTo(router, ofLength(65_536))).status).toBe(200);
    const refused = await answerTo(router, ofLength(65_537));
    expect(refused.status).toBe(413);
    expect(await refused.json()).toMatchObject({ meta: { error: "invalid_request" } });
  });

  it("does not read a body whose declared length is too much", async () => {
    const { router } = setUp();
    let pulls = 0;
    const request = upload(() => (pulls += 1), { "content-length": "100001" });
    expect((await answerTo(router, request)).status).toBe(413);
    expect(pulls).toBe(0);
  });

  it("stops reading an endless body at the limit", async () => {
    const { router } = setUp();
    let pulls = 0;
    const request = upload(() => (pulls += 1));
    expect((await answerTo(router, request)).status).toBe(413);
    // Ten chunks of 10 kB are allowed, the eleventh is too much, one more may be on its way.
    expect(pulls).toBeLessThanOrEqual(12);
  });

  it("takes a body that breaks off for the client's fault", async () => {
    const { router, logged } = setUp();
    const request = upload(() => {
      throw new Error("ECONNRESET");
    });
    expect((await answerTo(router, request)).status).toBe(400);
    expect(logged).toEqual([]);
  });
});

function upload(onPull: () => unknown, headers: Record<string, string> = {}): Request {
  const body = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        onPull();
        controller.enqueue(new Uint8Array(10_000).fill(0x20));
      },
    },
    { highWaterMark: 0 },
  );
  const init = {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body,
    duplex: "half",
  };
  return new Request(`${ORIGIN}/webrtc/offer`, init);
}

describe("POST /input_hook", () => {
  it.each([
    ["our shape", { inputs: [1, { a: 2 }] }, [1, { a: 2 }]],
    ["null as inputs", { inputs: null }, null],
    ["the shape of FastRTC's demos", { chatbot: [], conf: 0.5 }, { chatbot: [], conf: 0.5 }],
    ["an id alone", {}, {}],
  ])("takes %s", async (_title, rest, inputs) => {
    const { service, router } = setUp();
    const response = await answerTo(router, post("/input_hook", { webrtc_id: "abc", ...rest }));
    expect(await response.json()).toEqual({ status: "success" });
    expect(service.calls[0]?.body).toEqual({ webrtcId: "abc", inputs });
  });

  it("does not let a posted __proto__ reach any prototype", async () => {
    const { service, router } = setUp();
    const body = '{"webrtc_id":"abc","__proto__":{"inputs":"stolen","polluted":true}}';
    await answerTo(router, post("/input_hook", body));
    const { inputs } = service.calls[0]!.body as { inputs: object };
    expect(Object.getPrototypeOf(inputs)).toBe(Object.prototype);
    expect(inputs).not.toHaveProperty("polluted");
    expect({}).not.toHaveProperty("polluted");
  });

  it("has a limit of its own", async () => {
    const body = { webrtc_id: "abc", inputs: "x".repeat(150_000) };
    expect((await answerTo(setUp().router, post("/input_hook", body))).status).toBe(413);
    const { router } = setUp({ maxInputsBytes: 200_000 });
    expect((await answerTo(router, post("/input_hook", body))).status).toBe(200);
  });

  it("refuses a missing webrtc_id with 422", async () => {
    const { router } = setUp();
    expect((await answerTo(router, post("/input_hook", { inputs: [] }))).status).toBe(422);
  });
});

describe("GET /config", () => {
  it("tells what the service tells", async () => {
    const { router } = setUp();
    const response = await answerTo(router, new Request(`${ORIGIN}/config`));
    expect(response.headers.get("content-type")).toBe("application/json");
    expect(await response.json()).toMatchObject({ modality: "audio" });
  });

  it("answers HEAD without a body", async () => {
    const { router } = setUp();
    const response = await answerTo(router, new Request(`${ORIGIN}/config`, { method: "HEAD" }));
    expect(response.status).toBe(200);
    expect(await response.text()).toBe("");
  });
});

describe("paths and methods", () => {
  it.each([
    ["GET", "/webrtc/offer", "POST, OPTIONS"],
    ["PUT", "/webrtc/offer", "POST, OPTIONS"],
    ["GET", "/input_hook", "POST, OPTIONS"],
    ["POST", "/outputs", "GET, OPTIONS"],
    ["DELETE", "/config", "GET, HEAD, OPTIONS"],
  ])("refuses %s %s with 405 and says what is allowed", async (method, path, allow) => {
    const { service, router } = setUp();
    const response = await answerTo(router, new Request(ORIGIN + path, { method }));
    expect(response.status).toBe(405);
    expect(response.headers.get("allow")).toBe(allow);
    expect(await response.json()).toMatchObject({ meta: { error: "invalid_request" } });
    expect(service.calls).toEqual([]);
  });

  it.each([
    ["/"],
    ["/webrtc/offer/"],
    ["/WebRTC/offer"],
    ["/webrtc"],
    ["/x/config"],
    ["//config"],
    ["/config%2f"],
  ])("leaves %s to others", async (path) => {
    expect(await setUp().router(new Request(ORIGIN + path), {})).toBeUndefined();
  });

  it("answers below the mount path, and nowhere else", async () => {
    const { router } = setUp();
    const ask = (path: string): Promise<Response | undefined> =>
      router(new Request(ORIGIN + path), { mountPath: "/a/voice" });
    expect((await ask("/a/voice/config"))?.status).toBe(200);
    expect(await ask("/config")).toBeUndefined();
    expect(await ask("/a/voices/config")).toBeUndefined();
    expect(await ask("/a/voiceconfig")).toBeUndefined();
  });

  it("never throws and never answers a strange path, whatever is posted", async () => {
    const { router } = setUp();
    await fc.assert(
      fc.asyncProperty(fc.webPath(), fc.json(), async (path, body) => {
        const response = await router(post(path.startsWith("/") ? path : `/${path}`, body), {});
        expect(response).toBeUndefined();
        const refused = await answerTo(router, post("/webrtc/offer", body));
        expect(refused.status).toBe(422);
      }),
      { seed: 7, numRuns: 50 },
    );
  });

  it("refuses options that cannot work", () => {
    expect(() => setUp({ heartbeatMs: 0 })).toThrow(InvalidOptionError);
    expect(() => setUp({ maxInputsBytes: Number.NaN })).toThrow(InvalidOptionError);
  });
});

import { expect, test } from "vitest";
import { FakeServer } from "../test/fake-browser.ts";
import { FastRTCClientError } from "./client-error.ts";
import { Endpoint } from "./endpoint.ts";
import type { SessionClaim } from "./session-claim.ts";
import { SignalingClient } from "./signaling-client.ts";

const claimOf = (claim: Partial<SessionClaim> = {}): SessionClaim => ({
  webrtcId: "id-1",
  params: undefined,
  sessionToken: undefined,
  isResumed: false,
  ...claim,
});
const signal = new AbortController().signal;

async function refusal(response: Response): Promise<FastRTCClientError> {
  const server = new FakeServer();
  server.routes.set("/webrtc/offer", () => response);
  const client = new SignalingClient(new Endpoint("https://host.test", server.fetch), claimOf());
  const error: unknown = await client
    .offer("offer", new AbortController().signal)
    .catch((caught: unknown) => caught);
  if (!(error instanceof FastRTCClientError)) throw new Error("It was not refused.");
  return error;
}

const failed = (meta: object): string => JSON.stringify({ status: "failed", meta });

test("posts the offer with the session's id below the mount path and returns the answer", async () => {
  const server = new FakeServer();
  const answer = server.routes.get("/webrtc/offer")!;
  server.routes.set("/voice/webrtc/offer", answer);
  const urls: string[] = [];
  const endpoint = new Endpoint("https://host.test/voice/?room=a", (input, init) => {
    urls.push(input as string);
    return server.fetch(input, init);
  });
  const client = new SignalingClient(endpoint, claimOf());
  expect(await client.offer("my sdp", signal)).toBe("answer");
  expect(urls).toEqual(["https://host.test/voice/webrtc/offer?room=a"]);
  expect(server.requests[0]?.body).toEqual({ type: "offer", sdp: "my sdp", webrtc_id: "id-1" });
});

test("keeps the answer's token for what follows, and offers with it to go on", async () => {
  const server = new FakeServer();
  server.routes.set("/webrtc/offer", () =>
    Response.json({ type: "answer", sdp: "a", session_token: "new", resumed: true }),
  );
  const claim = claimOf({ params: { room: 7 }, sessionToken: "old" });
  const client = new SignalingClient(new Endpoint("https://host.test", server.fetch), claim);
  await client.offer("o", signal);
  await client.candidate({ candidate: "" }, signal);
  expect(claim).toMatchObject({ sessionToken: "new", isResumed: true });
  expect(server.bodies("/webrtc/offer")).toMatchObject([
    { type: "offer", params: { room: 7 }, session_token: "old" },
    { type: "ice-candidate", session_token: "new" },
  ]);
});

test("says field by field what the server has against the parameters", async () => {
  const issues = [{ path: "room.number", message: "must be a number" }];
  const body = failed({ error: "invalid_request", message: "Bad parameters.", issues });
  expect(await refusal(new Response(body, { status: 400 }))).toMatchObject({
    code: "params-rejected",
    message: "Bad parameters.",
    issues,
  });
});

test.each([failed({ error: "not_authorized" }), "<html>"])(
  "says that one has to sign in, whatever comes with a 401",
  async (body) => {
    const error = await refusal(new Response(body, { status: 401 }));
    expect(error).toMatchObject({ code: "not-authorized", status: 401 });
    expect(error.message).toMatch(/sign in/i);
  },
);

test("tells when a server that closes may be asked again", async () => {
  const error = await refusal(
    new Response(failed({ error: "server_closing" }), {
      status: 503,
      headers: { "retry-after": "5" },
    }),
  );
  expect(error).toMatchObject({ code: "refused", retryAfterSeconds: 5 });
});

test("tells a full server's limit and when to come back", async () => {
  const error = await refusal(
    new Response(failed({ error: "concurrency_limit_reached", limit: 2 }), {
      status: 503,
      headers: { "retry-after": "30" },
    }),
  );
  expect(error).toMatchObject({
    code: "limit-reached",
    limit: 2,
    retryAfterSeconds: 30,
    status: 503,
    signalingError: "concurrency_limit_reached",
  });
});

test("reads a refusal that comes with HTTP 200, as Python's FastRTC sends it", async () => {
  const error = await refusal(new Response(failed({ error: "connection_already_exists" })));
  expect(error.code).toBe("already-exists");
  expect((await refusal(new Response('{"status":"failed"}'))).code).toBe("refused");
});

test("passes on what the server says to developers", async () => {
  const body = failed({ error: "invalid_offer", message: "The offer has no audio." });
  expect(await refusal(new Response(body, { status: 400 }))).toMatchObject({
    code: "refused",
    signalingError: "invalid_offer",
    message: "The offer has no audio.",
  });
});

test.each([
  [new Response("<html>", { status: 404 }), /no FastRTC server .*mount path/],
  [new Response("<html>", { status: 200 }), /does not speak FastRTC/],
  [new Response('{"detail":[]}', { status: 422 }), /HTTP 422/],
])("refuses what is no FastRTC server", async (response, message) => {
  const error = await refusal(response);
  expect(error.code).toBe("refused");
  expect(error.message).toMatch(message);
});

test("tells a server that cannot be reached from an abort of ours", async () => {
  const controller = new AbortController();
  const endpoint = new Endpoint("https://host.test", () => {
    controller.signal.throwIfAborted();
    return Promise.reject(new TypeError("Failed to fetch"));
  });
  const client = new SignalingClient(endpoint, claimOf());
  await expect(client.offer("o", controller.signal)).rejects.toMatchObject({ code: "network" });
  controller.abort();
  await expect(client.offer("o", controller.signal)).rejects.toMatchObject({ name: "AbortError" });
});

test("shows no query in its messages, for that may be what lets the page in", async () => {
  const answers = [
    () => Promise.reject(new TypeError("Failed to fetch")),
    () => Promise.resolve(new Response("<html>", { status: 404 })),
    () => Promise.resolve(new Response("<html>", { status: 200 })),
  ];
  for (const answer of answers) {
    const endpoint = new Endpoint("https://host.test/?key=s3cret", answer);
    const client = new SignalingClient(endpoint, claimOf());
    const error: unknown = await client.offer("o", signal).catch((caught: unknown) => caught);
    expect(error).toMatchObject({
      message: expect.stringContaining("https://host.test/webrtc/offer") as string,
    });
    expect(String(error)).not.toContain("s3cret");
  }
});

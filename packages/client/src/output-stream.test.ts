import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Endpoint } from "./endpoint.ts";
import { OutputStream } from "./output-stream.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

function collect(
  answers: (() => Response)[],
  sessionToken?: string,
): {
  outputs: unknown[];
  requests: { url: string; headers: Record<string, string> }[];
  stream: OutputStream;
} {
  const outputs: unknown[] = [];
  const requests: { url: string; headers: Record<string, string> }[] = [];
  const endpoint = new Endpoint("https://host.test/voice", (input, init) => {
    requests.push({ url: input as string, headers: init?.headers as Record<string, string> });
    const answer = answers.shift();
    return answer === undefined ? new Promise<never>(() => undefined) : Promise.resolve(answer());
  });
  const stream = new OutputStream({
    endpoint,
    claim: { webrtcId: "id 1", params: undefined, sessionToken, isResumed: false },
    onOutput: (values) => outputs.push(values),
  });
  return { outputs, requests, stream };
}

const events = (text: string): Response =>
  new Response(text, { headers: { "content-type": "text/event-stream" } });

test("gives one value as one, several as several, and plain words as they are", async () => {
  const { outputs, requests, stream } = collect([
    () =>
      events(
        'event: output\ndata: {"role":"user"}\n\nevent: ping\ndata: 1\n\nevent: output\ndata: [1,2]\n\nevent: output\ndata: so it is\n\n',
      ),
  ]);
  await vi.waitFor(() => {
    expect(outputs).toEqual([[{ role: "user" }], [1, 2], ["so it is"]]);
  });
  expect(requests[0]?.url).toBe("https://host.test/voice/outputs?webrtc_id=id+1");
  stream.close();
});

test("comes back after a loss, naming the last event it saw", async () => {
  const { outputs, requests, stream } = collect([
    () => events("id: 5\nevent: output\ndata: 1\n\n"),
    () => new Response("busy", { status: 503 }),
    () => events("id: 6\nevent: output\ndata: 2\n\n"),
  ]);
  await vi.waitFor(() => {
    expect(outputs).toEqual([[1]]);
  });
  await vi.advanceTimersByTimeAsync(5000);
  await vi.waitFor(() => {
    expect(outputs).toEqual([[1], [2]]);
  });
  expect(requests[0]?.headers).not.toHaveProperty("last-event-id");
  expect(requests[1]?.headers).toHaveProperty("last-event-id", "5");
  stream.close();
});

test("shows the session's token in a header, and none where there is none", async () => {
  const answers = [() => new Response(null, { status: 204 })];
  const { requests } = collect([...answers], "secret");
  const { requests: others } = collect([...answers]);
  await vi.advanceTimersByTimeAsync(0);
  expect(requests[0]?.headers).toHaveProperty("x-session-token", "secret");
  expect(requests[0]?.url).not.toContain("secret");
  expect(others[0]?.headers).not.toHaveProperty("x-session-token");
});

test("reads again when the session goes on elsewhere, also after it was over", async () => {
  const { outputs, requests, stream } = collect([
    () => new Response(null, { status: 410 }),
    () => events("event: output\ndata: 1\n\n"),
  ]);
  await vi.advanceTimersByTimeAsync(0);
  stream.renew();
  await vi.waitFor(() => {
    expect(outputs).toEqual([[1]]);
  });
  stream.close();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(requests).toHaveLength(2);
});

test.each([204, 404])("does not come back after HTTP %i", async (status) => {
  const { requests } = collect([() => new Response(null, { status })]);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(requests).toHaveLength(1);
});

test("does not come back after it was closed", async () => {
  const { requests, stream } = collect([() => events("")]);
  await vi.advanceTimersByTimeAsync(0);
  stream.close();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(requests).toHaveLength(1);
});

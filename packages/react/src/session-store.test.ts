import { afterEach, beforeEach, expect, test, vi } from "vitest";
import {
  FakePeerConnection,
  FakeServer,
  installFakeBrowser,
  settle,
} from "../../client/test/fake-browser.ts";
import { INITIAL_SNAPSHOT, SessionStore, type SessionStoreOptions } from "./session-store.ts";

let server: FakeServer;
let options: SessionStoreOptions;

beforeEach(() => {
  installFakeBrowser();
  server = new FakeServer();
  options = { url: "https://host.test", fetch: server.fetch };
});
afterEach(() => {
  vi.unstubAllGlobals();
});

async function connect(store: SessionStore): Promise<FakePeerConnection> {
  const connecting = store.connect(options);
  await settle();
  FakePeerConnection.last.connect();
  await connecting;
  return FakePeerConnection.last;
}

test("gives the same snapshot until something changes, and tells of each change", async () => {
  const store = new SessionStore();
  expect(store.getSnapshot()).toBe(store.getSnapshot());
  const states: string[] = [];
  const unsubscribe = store.subscribe(() => states.push(store.getSnapshot().state));
  await connect(store);
  expect(states.at(-1)).toBe("connected");
  expect(store.getSnapshot().webrtcId).toBe(store.client?.webrtcId);
  unsubscribe();
  const { length } = states;
  store.close();
  expect(states).toHaveLength(length);
});

test("keeps outputs and log in the order in which they came, and no more than asked", async () => {
  options = { ...options, maxEntries: 2 };
  const store = new SessionStore();
  const { channel } = await connect(store);
  for (const value of [1, 2, 3]) channel.receive({ type: "fetch_output", data: [value] });
  channel.receive({ type: "log", data: "pause_detected" });
  expect(store.getSnapshot().outputs.map(({ values }) => values)).toEqual([[2], [3]]);
  expect(store.getSnapshot().log).toMatchObject([{ log: "pause_detected" }]);
});

test("goes on with an earlier session, and tells the token of this one", async () => {
  server.routes.set("/webrtc/offer", () =>
    Response.json({ type: "answer", sdp: "answer", session_token: "new", resumed: true }),
  );
  options = { ...options, webrtcId: "kept", sessionToken: "old", params: { room: 7 } };
  const store = new SessionStore();
  await connect(store);
  expect(server.bodies("/webrtc/offer")).toMatchObject([
    { webrtc_id: "kept", session_token: "old", params: { room: 7 } },
  ]);
  expect(store.getSnapshot()).toMatchObject({ resumed: true, sessionToken: "new" });
});

test("keeps what user and reply say", async () => {
  const store = new SessionStore();
  const { channel } = await connect(store);
  const say = (type: string, data: object): void => {
    channel.receive({ type, data });
  };
  say("transcript", { index: 1, text: "Hel", isFinal: false });
  say("transcript", { index: 1, text: "Hello", isFinal: true });
  say("reply", { phase: "started", index: 1 });
  say("reply", { phase: "text", index: 1, text: "Hi. " });
  say("reply", { phase: "text", index: 1, text: "How are you?" });
  say("reply", { phase: "interrupted", index: 1, heardText: "Hi." });
  expect(store.getSnapshot().texts).toEqual([
    { index: 1, by: "user", text: "Hello", isFinal: true, isInterrupted: false },
    { index: 1, by: "reply", text: "Hi.", isFinal: true, isInterrupted: true },
  ]);
});

test("puts a failure into the snapshot instead of rejecting, and clears it at the next start", async () => {
  const store = new SessionStore();
  server.routes.delete("/webrtc/offer");
  await store.connect(options);
  expect(store.getSnapshot()).toMatchObject({ state: "failed", error: { code: "refused" } });
  server = new FakeServer();
  options = { ...options, fetch: server.fetch };
  await connect(store);
  expect(store.getSnapshot()).toMatchObject({ state: "connected", error: undefined });
});

test("starts one session however often it is asked to", async () => {
  const store = new SessionStore();
  const first = store.connect(options);
  expect(store.connect(options)).toBe(first);
  await connect(store);
  await store.connect(options);
  expect(FakePeerConnection.all).toHaveLength(1);
});

test("can be closed while it connects and started again, as StrictMode does", async () => {
  const store = new SessionStore();
  const first = store.connect(options);
  store.close();
  await connect(store);
  await first;
  expect(store.getSnapshot().state).toBe("connected");
  expect(
    FakePeerConnection.all.filter((peer) => peer.connectionState === "connected"),
  ).toHaveLength(1);
});

test("carries mute and inputs over to the next session", async () => {
  const store = new SessionStore();
  store.setMuted(true);
  await store.sendInputs({ voice: "alto" });
  await connect(store);
  expect(store.client?.isMuted).toBe(true);
  expect(store.getSnapshot().muted).toBe(true);
  expect(server.bodies("/input_hook")).toMatchObject([{ inputs: { voice: "alto" } }]);
});

test("reports an address that is none as a failure", async () => {
  const store = new SessionStore();
  await store.connect({ ...options, url: "http://" });
  expect(store.getSnapshot()).toMatchObject({ ...INITIAL_SNAPSHOT, state: "failed", error: {} });
});

import { clientInfo } from "../session/context/client-info.ts";
import { MemoryStore } from "../session/store/memory-store.ts";
import type { SessionSelf } from "../session/session.ts";
import { SessionStoreView } from "../session/store/store-view.ts";

/** Makes what a session knows of itself, for tests that need no door to come through. */
export function sessionSelf(webrtcId: string, self: Partial<SessionSelf> = {}): SessionSelf {
  const headers = new Headers();
  return {
    webrtcId,
    createdAt: new Date(),
    resumed: false,
    user: undefined,
    params: undefined,
    state: {},
    store: new SessionStoreView(new MemoryStore(), webrtcId),
    client: clientInfo(headers, undefined),
    request: { method: "POST", url: "http://test/", headers, remoteAddress: undefined },
    telephone: undefined,
    ...self,
  };
}

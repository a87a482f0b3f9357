import { expect, it } from "vitest";

import { MemoryServer } from "../../../../test/memory-server.ts";
import { RealtimeScene } from "../../../../test/realtime-scene.ts";
import { getContext } from "../../context/context.ts";
import { getRealtimeSession, registerRealtimeSession } from "./realtime-session.ts";

it("calls back in the session's context, and survives a listener that throws", async () => {
  const { session, context, transport } = await new MemoryServer().visit("a");
  const scene = new RealtimeScene();
  registerRealtimeSession(session, scene.conversation);
  const seen: unknown[] = [];
  const stop = getRealtimeSession(context)?.onUpdate(({ instructions }) => {
    seen.push([getContext()?.webrtcId, instructions]);
    throw new Error("oops");
  });
  const update = { type: "session.update", session: { instructions: "Be brief." } };
  scene.send(update);
  expect(seen).toEqual([["a", "Be brief."]]);
  expect(scene.of("session.updated")).toHaveLength(1);
  expect(transport.messages.filter(({ type }) => type === "error")).toHaveLength(1);
  stop?.();
  scene.send(update);
  expect(seen).toHaveLength(1);
});

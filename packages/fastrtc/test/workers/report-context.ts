import { setTimeout as sleep } from "node:timers/promises";

import { getContext } from "../../src/session/context/context.ts";

/** What a test asks of this worker. */
export interface ReportInput {
  readonly waitMs?: number;
  readonly do?: "throw" | "exit" | "store" | "send" | "state" | "until-aborted" | "spin" | "late";
}

/** Tells what a worker knows of its session. */
export default async function reportContext(input: ReportInput): Promise<unknown> {
  const context = getContext();
  await sleep(input.waitMs ?? 0);
  switch (input.do) {
    case "throw":
      throw new RangeError("too heavy");
    case "exit":
      process.exit(3);
    case "store":
      await context?.store.set("from", "worker");
      return await context?.store.update<number>("count", (count) => (count ?? 0) + 1);
    case "send":
      context?.send({ from: "worker" });
      return undefined;
    case "state":
      return context?.state["anything"];
    case "until-aborted":
      return await new Promise((resolve) => {
        context?.turn?.signal.addEventListener("abort", resolve);
      });
    case "late":
      // What nobody waits for, and goes on when the thread works for others.
      setTimeout(() => {
        context?.send({ from: "late" });
        context?.close();
        context?.store.set("from", "late").catch(() => undefined);
      }, 50);
      return undefined;
    case "spin":
      for (;;);
    case undefined:
      break;
  }
  return { id: getContext()?.webrtcId, json: context?.toJSON(), user: context?.user };
}

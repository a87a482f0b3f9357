import { describe, expect, it, vi } from "vitest";

import { ListenerLog } from "../../test/backplane-contract.ts";
import { TransportError } from "../errors.ts";
import { silentLogger } from "../observe/logger.ts";
import { ManualClock } from "../testing/manual-clock.ts";
import { OutageLog } from "./outage-log.ts";
import type { RedisClient } from "./redis-client.ts";
import { RedisLink } from "./redis-link.ts";
import { RedisNode } from "./redis-node.ts";
import { parseRedisOptions } from "./redis-options.ts";

/** A connection to a Redis that has nothing to say. */
class FakeClient implements RedisClient {
  isReady = false;
  readonly sendCommand = vi.fn(([name]: readonly string[]): Promise<unknown> =>
    Promise.resolve(name === "PUBLISH" ? 1 : [[], []]),
  );

  on(): void {
    // Nothing happens by itself.
  }

  connect(): Promise<void> {
    this.isReady = true;
    return Promise.resolve();
  }

  async subscribe(): Promise<void> {
    // Nothing is published.
  }

  async unsubscribe(): Promise<void> {
    // Nothing was published.
  }

  async close(): Promise<void> {
    // Nothing is under way.
  }

  destroy(): void {
    this.isReady = false;
  }
}

describe("RedisNode", () => {
  it("sends nothing while it could not hear the answer", async () => {
    const settings = parseRedisOptions({ logger: silentLogger, clock: new ManualClock() });
    const outages = new OutageLog(silentLogger, settings.place);
    const [commands, subscriber] = [new FakeClient(), new FakeClient()];
    const linkOf = (client: RedisClient): RedisLink =>
      new RedisLink({ settings, outages, createClient: () => Promise.resolve(client) });
    const node = new RedisNode({
      settings,
      times: { heartbeatMs: 1_000, deadAfterMs: 3_000, orphanedMs: 1_000 },
      commands: linkOf(commands),
      subscriber: linkOf(subscriber),
      prefix: "test:",
      listener: new ListenerLog(),
      onLeft: () => undefined,
    });
    await node.join();
    await node.send("other", "hello");
    const published = (): number =>
      commands.sendCommand.mock.calls.filter(([[name]]) => name === "PUBLISH").length;
    expect(published()).toBe(1);

    subscriber.isReady = false;
    await expect(node.send("other", "anybody?")).rejects.toThrow(TransportError);
    expect(published()).toBe(1);
    subscriber.isReady = true;
    await node.send("other", "anybody?");
    expect(published()).toBe(2);
    await node.leave();
  });
});

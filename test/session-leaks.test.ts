/** Two hundred callers come and go, and the server is as it was. */

import { AudioFrame } from "fastrtc";
import { expect, it } from "vitest";
import type { Remains } from "./support/measured-server.ts";
import { NodeClient } from "./support/node-client.ts";
import { runScript } from "./support/run-script.ts";
import { until } from "./support/until.ts";

const MEASURED_SERVER = new URL("./support/measured-server.ts", import.meta.url);
const WARM_UP = 50;
const SESSIONS = 200;
const TOGETHER = 10;

async function connectAndHangUp(url: string, index: number): Promise<void> {
  const client = new NodeClient();
  await client.connect(url);
  await client.speak(AudioFrame.silence(200, 48_000));
  await until(() => client.heardMs > 0);
  // Both ways in which a client can leave in good order.
  if (index % 2 === 0) client.closeChannel();
  else client.close();
  await until(() => index % 2 !== 0 || client.isChannelClosed);
  client.close();
}

async function connectOften(url: string, count: number): Promise<void> {
  for (let done = 0; done < count; done += TOGETHER) {
    await Promise.all(Array.from({ length: TOGETHER }, (_, i) => connectAndHangUp(url, i)));
  }
}

it("holds no sockets, no timers and no memory for 200 sessions that have ended", async () => {
  const server = runScript(MEASURED_SERVER, [], ["--expose-gc"]);
  try {
    const url = await server.nextLine();
    const measure = async (): Promise<Remains> => {
      // Until nobody may come back any more.
      await new Promise((resolve) => setTimeout(resolve, 6000));
      server.write("measure");
      return JSON.parse(await server.nextLine()) as Remains;
    };
    await connectOften(url, WARM_UP);
    const before = await measure();
    await connectOften(url, SESSIONS);
    const after = await measure();

    expect(after.replies).toBe(WARM_UP + SESSIONS);
    expect(after.endings).toBe(after.replies);
    // Standard input and output, and the port that listens.
    expect(after.resources).toEqual(before.resources);
    expect(after.resources["TCPServerWrap"]).toBe(1);
    expect(after.resources).not.toHaveProperty("UDPWrap");
    expect(after.resources).not.toHaveProperty("Timeout");
    // Measured: 1500 to 2900 bytes of heap a session, of which the ids of ended sessions and whose
    // their stores are have a part; none outside of it.
    expect((after.heapBytes - before.heapBytes) / SESSIONS).toBeLessThan(4000);
    expect((after.externalBytes - before.externalBytes) / SESSIONS).toBeLessThan(1000);
    expect(await server.end()).toBe(0);
  } finally {
    await server.kill();
  }
});

/**
 * The load of the echo bench: calls a server as a job (JSON, see load-job.ts) says, and
 * prints what came of it.
 *
 *   tsx bench/echo/load-client.ts URL JOB
 *
 * A process of its own, so that what callers cost is in no server's figures.
 */

import { setTimeout as sleep } from "node:timers/promises";
import { Caller } from "./caller.ts";
import type { EchoJob, EchoResult, OpensJob, OpensResult } from "./load-job.ts";
import { FRAME_MS, Mouth } from "./mouth.ts";
import { fetchUsage } from "./server-usage.ts";
import { onsetsOf, packetsOf } from "./sound.ts";

const [url = "", jobText = "{}"] = process.argv.slice(2);
const job = JSON.parse(jobText) as OpensJob | EchoJob;
const result = job.kind === "opens" ? await runOpens(job) : await runEcho(job);
// What hanging up sends must still leave; then libdatachannel's threads would keep the process.
await sleep(200);
process.stdout.write(JSON.stringify(result), () => process.exit(0));

async function runOpens({ count }: OpensJob): Promise<OpensResult> {
  const opens: OpensResult["opens"][number][] = [];
  let retries = 0;
  for (let i = 0; i < count; i++) {
    const caller = await Caller.open(url);
    opens.push(caller.times);
    retries += caller.retries;
    caller.close();
  }
  return { opens, retries };
}

async function runEcho(echo: EchoJob): Promise<EchoResult> {
  const { sound, warmUpMs, windowMs } = echo;
  const packets = packetsOf(sound);
  const onsets = sound === "tones" ? onsetsOf(packets) : [];
  const before = await fetchUsage(url);
  const mouths: Mouth[] = [];
  const stopped = new AbortController();
  void sendAll(mouths, stopped.signal);
  const retries = await openAll(echo, (caller) => mouths.push(new Mouth(caller, packets, onsets)));

  await sleep(warmUpMs);
  const begin = await fetchUsage(url);
  const beginAt = performance.now();
  const counted = mouths.map((mouth) => mouth.beginCount());
  await sleep(windowMs);
  const losses = counted.map((endCount) => endCount());
  const end = await fetchUsage(url);
  const elapsedMs = performance.now() - beginAt;
  stopped.abort();
  for (const mouth of mouths) mouth.hangUp();
  return {
    connected: mouths.length,
    retries,
    cpuMsPerSecond: ((end.cpuMs - begin.cpuMs) * 1000) / elapsedMs,
    rssGrowthBytes: end.rssBytes - before.rssBytes,
    loopDelayMsP99: end.loopDelayMsP99,
    expected: losses.reduce((sum, { expected }) => sum + expected, 0),
    missing: losses.reduce((sum, { missing }) => sum + missing, 0),
    roundTripsMs: mouths.flatMap((mouth) => mouth.roundTripsMs),
  };
}

async function openAll(echo: EchoJob, onOpen: (caller: Caller) => void): Promise<number> {
  let retries = 0;
  // One after the other, as callers come. A server that breaks under load is a result, not the end.
  for (let i = 0; i < echo.sessions; i++) {
    try {
      const caller = await Caller.open(url);
      retries += caller.retries;
      onOpen(caller);
    } catch (error) {
      console.error(`A caller did not get through: ${String(error)}`);
    }
  }
  return retries;
}

async function sendAll(mouths: readonly Mouth[], signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const nowMs = performance.now();
    let nextMs = nowMs + FRAME_MS;
    for (const mouth of mouths) {
      while (mouth.dueMs <= nowMs) mouth.speak();
      nextMs = Math.min(nextMs, mouth.dueMs);
    }
    await sleep(Math.max(1, nextMs - nowMs));
  }
}

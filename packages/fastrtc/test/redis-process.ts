/**
 * A process that joins a backplane in Redis and does what its parent says, so that it can be killed.
 *
 * Started by {@link startRedisProcess}; orders and answers go over Node's IPC.
 */

import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

import { silentLogger } from "../src/observe/logger.ts";
import { RedisBackplane } from "../src/redis/redis-backplane.ts";
import type { RedisBackplaneOptions } from "../src/redis/redis-backplane.ts";
import type { ClaimOutcome, SessionClaim } from "../src/session/backplane/backplane.ts";

/** A process with a node of its own. */
export interface RedisProcess {
  /** Its node's id. */
  readonly nodeId: string;
  /** Makes all claims at the same time. */
  claim(claims: readonly SessionClaim[]): Promise<ClaimOutcome[]>;
  /** Ends it without a good-bye: SIGKILL. */
  kill(): Promise<void>;
}

/** What a process is told first. */
interface Start {
  readonly stream: string;
  readonly options: RedisBackplaneOptions;
}

/**
 * Starts a process that joins a stream.
 *
 * @param stream - The stream's name.
 * @param options - Its backplane's options; what can be cloned only.
 */
export async function startRedisProcess(
  stream: string,
  options: RedisBackplaneOptions,
): Promise<RedisProcess> {
  const child = fork(fileURLToPath(import.meta.url), [], {
    execArgv: ["--import", "tsx"],
    serialization: "advanced",
  });
  const ask = async (order: unknown): Promise<unknown> => {
    const answer = Promise.race([
      once(child, "message"),
      once(child, "exit").then(() => Promise.reject(new Error("The process has ended."))),
    ]);
    child.send(order as object);
    return ((await answer) as unknown[])[0];
  };
  const start: Start = { stream, options };
  const nodeId = (await ask(start)) as string;
  return {
    nodeId,
    claim: async (claims) => (await ask(claims)) as ClaimOutcome[],
    kill: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = once(child, "exit");
      child.kill("SIGKILL");
      await ended;
    },
  };
}

async function obey(): Promise<void> {
  const [{ stream, options }] = (await once(process, "message")) as [Start];
  const backplane = new RedisBackplane({ ...options, logger: silentLogger });
  const ignore = (): void => undefined;
  const node = await backplane.join(stream, { onMessage: ignore, onGone: ignore, onLost: ignore });
  process.on("message", (claims: readonly SessionClaim[]) => {
    void Promise.all(claims.map((claim) => node.claim(claim))).then((outcomes) =>
      process.send?.(outcomes),
    );
  });
  process.send?.(node.id);
}

if (process.argv[1] === fileURLToPath(import.meta.url) && process.send) await obey();

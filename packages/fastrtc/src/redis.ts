/**
 * Sessions on many machines through Redis or Valkey: the store of their values, and the backplane
 * that joins the processes. Needs the package `redis`, which is why it is not part of the main entry.
 *
 * @packageDocumentation
 */

export { createRedisBackplane } from "./redis/redis-backplane.ts";
export type { RedisBackplaneOptions } from "./redis/redis-backplane.ts";
export { createRedisStore } from "./redis/redis-store.ts";
export type { RedisStoreOptions } from "./redis/redis-store.ts";
export type { RedisClientSource, RedisOptions } from "./redis/redis-options.ts";
export type {
  Backplane,
  BackplaneListener,
  BackplaneNode,
  ClaimOutcome,
  SessionClaim,
  SessionRecord,
} from "./session/backplane/backplane.ts";
export type { StoreBackend } from "./session/store/store.ts";
export { InvalidOptionError } from "./errors.ts";
export type { Clock, Timer } from "./media/clock.ts";
export type { Logger } from "./observe/logger.ts";

import type { Clock } from "../src/media/clock.ts";
import { silentLogger } from "../src/observe/logger.ts";
import type { StreamOptions } from "../src/stream-options.ts";
import { checkStreamOptions } from "../src/stream-options.ts";
import { StreamSessions } from "../src/stream-sessions.ts";
import type { ConformanceServerOptions } from "./conformance-harness.ts";

/** Makes a stream's sessions, without any way in. */
export function conformanceSessions(
  options: ConformanceServerOptions,
  clock?: Clock,
): StreamSessions {
  const streamOptions: StreamOptions = {
    modality: "audio",
    logger: silentLogger,
    ...options,
    ...(clock ? { advanced: { clock } } : {}),
  };
  return new StreamSessions(streamOptions, checkStreamOptions(streamOptions));
}

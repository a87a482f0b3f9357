/**
 * The front door: options in, sessions out. HTTP comes in through `mount`, `fetch` or `launch`; each
 * accepted offer becomes a session.
 */

import type {
  AnswerResponse,
  CandidateRequest,
  ClientConfig,
  OfferRequest,
} from "@fastrtc/protocol";

import { InvalidStateError, NegotiationError } from "./errors.ts";
import { mountOn } from "./http/mount.ts";
import type { MountTarget, Unmount } from "./http/mount.ts";
import { createRouter } from "./http/router.ts";
import type { Router } from "./http/router.ts";
import { listen } from "./http/serve.ts";
import type { RunningServer } from "./http/serve.ts";
import type { RequestInfo, StreamService } from "./http/stream-service.ts";
import { systemClock } from "./media/clock.ts";
import type { Clock } from "./media/clock.ts";
import { consoleLogger } from "./observe/logger.ts";
import type { Logger } from "./observe/logger.ts";
import { getContext } from "./session/context.ts";
import type { SessionContext } from "./session/context.ts";
import { AdditionalInputs } from "./session/input-schema.ts";
import { SessionRegistry } from "./session/session-registry.ts";
import { Session } from "./session/session.ts";
import { checkStreamOptions } from "./stream-options.ts";
import type { CheckedStreamOptions, StreamOptions, ValueOrFunction } from "./stream-options.ts";

/** How long {@link Stream.fetchLatestOutput} waits, in milliseconds. */
const FETCH_TIMEOUT_MS = 10_000;

const DEFAULT_TRACK_CONSTRAINTS = {
  channelCount: 1,
  echoCancellation: true,
  noiseSuppression: true,
  autoGainControl: true,
};

/** Where {@link Stream.launch} listens. */
export interface LaunchOptions {
  /** @defaultValue 7860; 0 takes any free port */
  readonly port?: number;
  /**
   * Address to listen on. Browsers give a microphone to pages from this machine (127.0.0.1) or over
   * https only.
   *
   * @defaultValue "127.0.0.1"
   */
  readonly host?: string;
}

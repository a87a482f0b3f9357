import type { RoutePath } from "./route-path.ts";
import type { RequestInfo } from "./stream-service.ts";

/** A path that the router answers besides FastRTC's own. */
export interface ExtraRoute {
  readonly path: RoutePath;
  /** As in `["POST"]`; OPTIONS is answered for it. */
  readonly methods: readonly string[];
  /**
   * Answers a request of one of the methods. Cross-origin headers are added afterwards.
   *
   * @throws what {@link StreamService} methods may throw; the client reads it as an HTTP answer.
   */
  readonly respond: (request: Request, info: RequestInfo) => Promise<Response>;
  /** Writes what `respond` threw as an answer. @defaultValue FastRTC's failure object */
  readonly failure?: (error: unknown) => Response;
}

import { pathBelow } from "./mount-path.ts";
import { pathnameOf } from "./node-request.ts";

/**
 * A path below the mount path: exact, as in `/webrtc/offer`, or everything below a folder, as in
 * `/telephone/handler/*`.
 */
export type RoutePath = `/${string}`;

/** Knows which paths below the mount path are its own. */
export interface PathOwner {
  owns(path: string): boolean;
}

/**
 * Tells whether a request target belongs to an owner, without reading anything else.
 *
 * @param target - Path and query, as `incoming.url` has them.
 */
export function ownsTarget(owner: PathOwner, mountPath: string, target: string): boolean {
  const path = pathBelow(mountPath, pathnameOf(target));
  return path !== undefined && owner.owns(path);
}

/** Finds what belongs to a path: exact ones first, then folders, the longest first. */
export class RouteTable<T> {
  readonly #exact = new Map<string, T>();
  readonly #folders: (readonly [prefix: string, route: T])[] = [];

  /** @param routes - A later one of the same path takes the earlier one's place. */
  constructor(routes: Iterable<readonly [path: string, route: T]>) {
    for (const [path, route] of routes) {
      if (path.endsWith("/*")) this.#folders.unshift([path.slice(0, -1), route]);
      else this.#exact.set(path, route);
    }
    this.#folders.sort(([a], [b]) => b.length - a.length);
  }

  /** Returns what belongs to a path below the mount path, if anything does. */
  find(path: string): T | undefined {
    const exact = this.#exact.get(path);
    if (exact !== undefined) return exact;
    // The folder itself is not below it.
    return this.#folders.find(
      ([prefix]) => path.length > prefix.length && path.startsWith(prefix),
    )?.[1];
  }
}

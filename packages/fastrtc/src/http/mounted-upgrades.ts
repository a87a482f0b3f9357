import { subscribe, unsubscribe } from "node:diagnostics_channel";
import type { IncomingMessage } from "node:http";
import { NegotiationError } from "../errors.ts";
import { failureOf } from "./failure.ts";
import { ownsTarget } from "./route-path.ts";
import { claimUpgrades, presentUpgrade, serverOf, takeUpgrade } from "./server-upgrades.ts";
import type { UpgradeServer } from "./server-upgrades.ts";
import type { UpgradeDetails, Upgrader } from "./upgrade.ts";

/**
 * What became of a request in an application's middleware: its socket was taken, it is not ours, or
 * it came before its server was known and must be made again.
 */
export type UpgradeOutcome = "taken" | "not-ours" | "come-again";

// Node's own notice that a server begins to listen; an older node without it finds the server at the
// first request.
const LISTENING = "tracing:net.server.listen:asyncStart";

/** Paths of one application below which a stream was seen; with parameters there is no end of them. */
const MAX_PATHS = 64;

/** Answers a request whose outcome is `come-again`. */
export function comeAgain(): Response {
  return failureOf(
    new NegotiationError("The server was not known yet.", { reason: "unavailable" }),
  );
}

/** Brings upgrades to a stream that is mounted on a framework's application. */
export class MountedUpgrades {
  readonly #upgrader: Upgrader;
  readonly #servers = new Map<UpgradeServer, () => void>();
  readonly #mountPaths: Set<string>;
  #stopWatching: (() => void) | undefined;
  #isEnded = false;

  /** @param mountPath - Where the stream is mounted, as far as the mount itself knows. */
  constructor(upgrader: Upgrader, mountPath: string) {
    this.#upgrader = upgrader;
    this.#mountPaths = new Set([mountPath]);
  }

  /** The paths of the stream's WebSockets, below the mount path. */
  get paths(): readonly string[] {
    return this.#upgrader.paths;
  }

  /** Claims the stream's upgrades of a server. */
  attach(server: UpgradeServer): void {
    if (this.#isEnded || this.#servers.has(server)) return;
    const release = claimUpgrades(server, (incoming, socket, head) => {
      if (!this.#knows(incoming)) return false;
      presentUpgrade(server, { incoming, socket, head });
      return true;
    });
    this.#servers.set(server, release);
  }

  /** Attaches to each server that begins to listen with this application as its listener. */
  attachWhereListening(app: unknown): void {
    // The only way to learn of `http.createServer(app)` before a request.
    const notice = (message: unknown): void => {
      const { server } = message as { readonly server?: unknown };
      const found = serverOf({ server });
      if (found?.listeners("request").includes(app as () => void) === true) this.attach(found);
    };
    subscribe(LISTENING, notice);
    this.#stopWatching = () => unsubscribe(LISTENING, notice);
  }

  /**
   * Looks at a request in the application's middleware; also learns the server and the path from it.
   *
   * @param incoming - Undefined where the runtime is not node's.
   */
  take(
    incoming: IncomingMessage | undefined,
    details: UpgradeDetails & { readonly url: string },
  ): UpgradeOutcome {
    if (!incoming || this.#isEnded) return "not-ours";
    const server = serverOf(incoming.socket);
    const isNew = server !== undefined && !this.#servers.has(server);
    if (isNew) this.attach(server);
    if (this.#mountPaths.size < MAX_PATHS) this.#mountPaths.add(details.mountPath);
    if (!ownsTarget(this.#upgrader, details.mountPath, details.url)) return "not-ours";
    const exchange = takeUpgrade(incoming);
    if (exchange) {
      this.#upgrader.handle(exchange, details);
      return "taken";
    }
    return isNew && incoming.headers.upgrade?.toLowerCase() === "websocket"
      ? "come-again"
      : "not-ours";
  }

  /** Gives the paths back. */
  end(): void {
    this.#isEnded = true;
    this.#stopWatching?.();
    for (const release of this.#servers.values()) release();
    this.#servers.clear();
  }

  #knows(incoming: IncomingMessage): boolean {
    for (const mountPath of this.#mountPaths) {
      if (ownsTarget(this.#upgrader, mountPath, incoming.url ?? "/")) return true;
    }
    return false;
  }
}

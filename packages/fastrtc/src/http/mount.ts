import { Server } from "node:http";
import { Server as SecureServer } from "node:https";
import { InvalidOptionError } from "../errors.ts";
import { toExpressMiddleware } from "./express.ts";
import type { ExpressMiddleware } from "./express.ts";
import { toFastifyPlugin } from "./fastify.ts";
import type { FastifyPlugin } from "./fastify.ts";
import { toHonoMiddleware } from "./hono.ts";
import type { HonoMiddleware } from "./hono.ts";
import { normalizeMountPath } from "./mount-path.ts";
import { MountedUpgrades } from "./mounted-upgrades.ts";
import { attachToServer } from "./node.ts";
import type { Router } from "./router.ts";
import { claimUpgrades } from "./server-upgrades.ts";
import type { Upgrader } from "./upgrade.ts";

/** An Express or Connect application, or a router of Express. */
export type ExpressTarget = ((...args: never[]) => unknown) & { use(...args: never[]): unknown };

/** A Fastify instance. */
export interface FastifyTarget {
  register(...args: never[]): unknown;
  addContentTypeParser(...args: never[]): unknown;
}

/** A Hono application. */
export interface HonoTarget {
  fetch(...args: never[]): unknown;
  use(...args: never[]): unknown;
  basePath(...args: never[]): unknown;
}

/** What a stream can be mounted on. */
export type MountTarget = Server | SecureServer | ExpressTarget | FastifyTarget | HonoTarget;

/**
 * Mounts a router on an application, whatever that was made with.
 *
 * @param app - A `node:http` or `node:https` server, or an Express, Connect, Fastify or Hono app.
 * @param path - What stands in the URL before the routes; empty for none.
 * @param upgrader - Takes the WebSockets below the path. On Express, Fastify and Hono they pass
 * through the application's own middleware first. Express tells which server it listens on; Hono
 * does not, so a socket that comes before any other request is told to come again.
 * @returns a function that unmounts it: the application then sees those requests itself.
 * @throws {@link InvalidOptionError} when the app is none of these, or the path is not one.
 */
export function mountOn(
  app: MountTarget,
  path: string,
  router: Router,
  upgrader?: Upgrader,
): () => void {
  const mountPath = normalizeMountPath(path);
  if (app instanceof Server || app instanceof SecureServer) {
    const release =
      upgrader &&
      claimUpgrades(app, (incoming, socket, head) =>
        upgrader.handle({ incoming, socket, head }, { mountPath }),
      );
    const detach = attachToServer(app, router, mountPath);
    return () => {
      detach();
      release?.();
    };
  }
  const upgrades = upgrader && new MountedUpgrades(upgrader, mountPath);
  // These frameworks cannot forget a route, but they go on where a middleware answers nothing.
  const paths = new Set(router.paths);
  const guarded: Router = Object.assign(
    async (...args: Parameters<Router>) => (paths.size > 0 ? router(...args) : undefined),
    { paths, owns: (path: string) => paths.size > 0 && router.owns(path) },
  );
  if (isFastify(app)) {
    const register = app.register.bind(app) as (
      plugin: FastifyPlugin,
      options: { prefix: string },
    ) => unknown;
    register(toFastifyPlugin(guarded, upgrades), { prefix: mountPath });
  } else if (isHono(app)) {
    const use = app.use.bind(app) as (path: string, middleware: HonoMiddleware) => unknown;
    use(`${mountPath}/*`, toHonoMiddleware(guarded, mountPath, upgrades));
  } else if (isExpress(app)) {
    const use = app.use.bind(app) as (path: string, middleware: ExpressMiddleware) => unknown;
    upgrades?.attachWhereListening(app);
    use(mountPath === "" ? "/" : mountPath, toExpressMiddleware(guarded, mountPath, upgrades));
  } else {
    throw new InvalidOptionError(
      "app",
      app,
      "Give a node:http server, or an app of Express, Connect, Fastify or Hono; in anything else, call stream.fetch(request) from a route.",
    );
  }
  return () => {
    paths.clear();
    upgrades?.end();
  };
}

function isFastify(app: unknown): app is FastifyTarget {
  return has(app, "register") && has(app, "addContentTypeParser");
}

function isHono(app: unknown): app is HonoTarget {
  return has(app, "fetch") && has(app, "use") && has(app, "basePath");
}

function isExpress(app: unknown): app is ExpressTarget {
  return typeof app === "function" && has(app, "use") && has(app, "handle");
}

function has(app: unknown, method: string): boolean {
  if ((typeof app !== "object" && typeof app !== "function") || app === null) return false;
  return typeof (app as Record<string, unknown>)[method] === "function";
}

import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** Answers requests for the built-in page. */
export interface StaticPage {
  /** What it answers, below the mount path; the empty string is the mount path itself. */
  readonly paths: ReadonlySet<string>;
  /**
   * Answers GET and HEAD.
   *
   * @param path - One of `paths`.
   * @param mountPath - What stands before `path` in the URL.
   * @returns undefined for other methods, which may be an application's own.
   */
  respond(path: string, mountPath: string, request: Request): Response | undefined;
}

interface PageFile {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly headers: Readonly<Record<string, string>>;
}

const CONTENT_TYPES: Readonly<Record<string, string>> = {
  ".css": "text/css; charset=utf-8",
  ".html": "text/html; charset=utf-8",
  ".ico": "image/x-icon",
  ".js": "text/javascript; charset=utf-8",
  ".json": "application/json",
  ".map": "application/json",
  ".mjs": "text/javascript; charset=utf-8",
  ".mp3": "audio/mpeg",
  ".png": "image/png",
  ".svg": "image/svg+xml",
  ".txt": "text/plain; charset=utf-8",
  ".wasm": "application/wasm",
  ".wav": "audio/wav",
  ".webmanifest": "application/manifest+json",
  ".woff2": "font/woff2",
};

const SECURITY_HEADERS = {
  "content-security-policy": [
    "default-src 'self'",
    "img-src 'self' data: blob:",
    "media-src 'self' blob:",
    "worker-src 'self' blob:",
    "object-src 'none'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'self'",
  ].join("; "),
  "permissions-policy": "microphone=(self), camera=(self)",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
};

// Vite puts eight characters of the content's hash into the name, so the name never lies.
const HASHED = /^\/assets\/.*-[\w-]{8}\.\w+(?:\.map)?$/;

/**
 * Reads a built page into memory, once.
 *
 * Only what the directory holds now can ever be asked for: a URL is a key of a map and never a path
 * of the file system.
 *
 * @param directory - Where Vite has put `index.html` and `assets/`.
 * @returns a page that explains itself with 503 when `index.html` is missing.
 */
export function loadStaticPage(directory: URL): StaticPage {
  const root = fileURLToPath(directory);
  const files = existsSync(join(root, "index.html")) ? readFiles(root) : undefined;
  const paths = new Set<string>(["", "/", ...(files?.keys() ?? [])]);
  return {
    paths,
    respond(path, mountPath, request) {
      if (request.method !== "GET" && request.method !== "HEAD") return undefined;
      if (path === "") return redirectBelow(mountPath, request);
      const file = files?.get(path === "/" ? "/index.html" : path);
      return file ? respondWithFile(file, request) : notBuilt();
    },
  };
}

function readFiles(root: string): ReadonlyMap<string, PageFile> {
  const files = new Map<string, PageFile>();
  for (const entry of readdirSync(root, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const file = join(entry.parentPath, entry.name);
    const path = file.slice(join(root, "/").length - 1).replaceAll("\\", "/");
    const bytes = readFileSync(file);
    const isHashed = HASHED.test(path);
    files.set(path, {
      bytes,
      headers: {
        ...SECURITY_HEADERS,
        "content-type": CONTENT_TYPES[extname(path).toLowerCase()] ?? "application/octet-stream",
        "cache-control": isHashed ? "public, max-age=31536000, immutable" : "no-cache",
        etag: `"${createHash("sha256").update(bytes).digest("base64url").slice(0, 22)}"`,
      },
    });
  }
  return files;
}

function respondWithFile({ bytes, headers }: PageFile, request: Request): Response {
  const known = request.headers.get("if-none-match");
  // A proxy that compresses weakens the tag; for a whole file that makes no difference.
  if (known?.split(",").some((tag) => tag.trim().replace(/^W\//, "") === headers["etag"])) {
    return new Response(null, { status: 304, headers });
  }
  return new Response(request.method === "HEAD" ? null : bytes, {
    headers: { ...headers, "content-length": String(bytes.byteLength) },
  });
}

// The page's URLs are relative, so that it works below any path; they need the slash at the end.
function redirectBelow(mountPath: string, request: Request): Response {
  const last = mountPath.slice(mountPath.lastIndexOf("/") + 1);
  // Relative, because a proxy in front may have cut a prefix that we do not know. The dot keeps a
  // name with a colon from being read as a scheme.
  const location = `./${last}/${new URL(request.url).search}`;
  return new Response(null, { status: 307, headers: { location, "cache-control": "no-cache" } });
}

function notBuilt(): Response {
  return new Response(
    "The built-in page is missing from this copy of fastrtc. In a checkout, build it with: npm run build --workspace packages/playground\n",
    {
      status: 503,
      headers: { ...SECURITY_HEADERS, "content-type": "text/plain; charset=utf-8" },
    },
  );
}

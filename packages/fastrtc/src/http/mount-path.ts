import { InvalidOptionError } from "../errors.ts";

// Letters, digits and marks that no framework reads as a pattern and no URL escapes.
const PATH = /^(?:\/[A-Za-z0-9._~-]+)*$/;

/**
 * Brings a mount path into its one form: empty, or beginning with a slash and not ending in one.
 *
 * @throws {@link InvalidOptionError} when it is not a plain path.
 */
export function normalizeMountPath(path: string): string {
  const trimmed = typeof path === "string" && path.endsWith("/") ? path.slice(0, -1) : path;
  if (typeof path !== "string" || !PATH.test(trimmed) || /\/\.{1,2}(?:\/|$)/.test(trimmed)) {
    throw new InvalidOptionError(
      "path",
      path,
      'Give "" or a path such as "/voice": a slash, then letters, digits, ".", "_", "~" or "-".',
    );
  }
  return trimmed;
}

/**
 * Returns the beginning of a path that a pattern stands for, whose segments may be parameters.
 *
 * @param pattern - As in `/tenants/:tenant`; no parameter may hold a slash.
 */
export function mountPathIn(pathname: string, pattern: string): string {
  return pathname.split("/").slice(0, pattern.split("/").length).join("/");
}

/**
 * Returns what follows the mount path.
 *
 * @returns the empty string for the mount path itself; undefined when the URL is not below it.
 */
export function pathBelow(mountPath: string, pathname: string): string | undefined {
  if (!pathname.startsWith(mountPath)) return undefined;
  const path = pathname.slice(mountPath.length);
  return path === "" || path.startsWith("/") ? path : undefined;
}

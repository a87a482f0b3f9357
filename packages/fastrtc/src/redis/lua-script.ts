import { createHash } from "node:crypto";

/** A script that Redis runs in one step. */
export interface LuaScript {
  readonly source: string;
  /** By which Redis knows the script once it has seen it. */
  readonly sha1: string;
}

/** Makes a script of its source. */
export function luaScript(source: string): LuaScript {
  return { source, sha1: createHash("sha1").update(source).digest("hex") };
}

// Stands in for an application's accounts: a login is a key in a cookie.
import { randomUUID } from "node:crypto";

export interface User {
  readonly id: string;
  readonly name: string;
}

const USERS: readonly User[] = [
  { id: "ada", name: "Ada" },
  { id: "ben", name: "Ben" },
];
const logins = new Map<string, User>();

/** Returns a new key for somebody; a real application asks for a password first. */
export function logIn(id: string): string | undefined {
  const user = USERS.find((candidate) => candidate.id === id);
  if (!user) return undefined;
  const key = randomUUID();
  logins.set(key, user);
  return key;
}

/** Returns who sent a request with these cookies; undefined when nobody has logged in. */
export function userOf(cookies: string | null | undefined): User | undefined {
  const [, key = ""] = /(?:^|; )login=([\w-]+)/.exec(cookies ?? "") ?? [];
  return logins.get(key);
}

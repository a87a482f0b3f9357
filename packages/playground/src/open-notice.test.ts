import { expect, test } from "vitest";
import { isLoopback } from "./open-notice.ts";

test.each(["localhost", "app.localhost", "127.0.0.1", "127.8.9.10", "[::1]"])(
  "takes %s for this computer",
  (hostname) => {
    expect(isLoopback(hostname)).toBe(true);
  },
);

test.each(["192.168.0.7", "localhost.example.com", "127.0.0.1.example.com", "[fe80::1]", "host"])(
  "takes %s for a network",
  (hostname) => {
    expect(isLoopback(hostname)).toBe(false);
  },
);

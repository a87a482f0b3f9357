import { describe, expect, it } from "vitest";
import { InvalidOptionError } from "../../errors.ts";
import { readIceServers } from "./ice-server.ts";

describe("readIceServers", () => {
  it("asks nobody when the list is empty", () => {
    expect(readIceServers([])).toEqual({});
  });

  it("takes the first STUN and the first TURN server", () => {
    const servers = [
      { urls: ["stun:stun.example.org", "stun:other.example.org:1"] },
      { urls: "turn:turn.example.org:3479?transport=tcp", username: "u", credential: "c" },
    ];
    expect(readIceServers(servers)).toEqual({
      stunServer: ["stun.example.org", 3478],
      turnServer: ["turn.example.org", 3479],
      turnUsername: "u",
      turnPassword: "c",
      turnTransport: "tcp",
    });
  });

  it("speaks TLS to turns:, at its own port", () => {
    const server = { urls: "turns:[2001:db8::1]", username: "u", credential: "c" };
    expect(readIceServers([server])).toMatchObject({
      turnServer: ["2001:db8::1", 5349],
      turnTransport: "tls",
    });
  });

  it.each([[{ urls: "http://example.org" }], [{ urls: "turn:example.org" }], [{ urls: "stun:" }]])(
    "refuses %j",
    (server) => {
      expect(() => readIceServers([server])).toThrow(InvalidOptionError);
    },
  );
});

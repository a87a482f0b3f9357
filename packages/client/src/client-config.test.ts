import { expect, test } from "vitest";
import { FakeServer } from "../test/fake-browser.ts";
import { DEFAULT_CONFIG, fetchClientConfig } from "./client-config.ts";
import { Endpoint } from "./endpoint.ts";

const ask = (answer: (() => Response) | undefined) => {
  const server = new FakeServer();
  if (answer !== undefined) server.routes.set("/config", answer);
  return fetchClientConfig(new Endpoint("https://host.test", server.fetch));
};

test("takes what the server says", async () => {
  const config = {
    modality: "audio",
    mode: "receive",
    rtcConfiguration: { iceServers: [] },
    trackConstraints: { echoCancellation: false },
    additionalInputs: { type: "object" },
    params: { type: "object", properties: {} },
    isOpen: true,
    page: { title: "Parrot", subtitle: "Says it again" },
  };
  expect(await ask(() => Response.json(config))).toEqual(config);
});

test("falls back field by field when the server has no such route or means something else", async () => {
  expect(await ask(undefined)).toEqual(DEFAULT_CONFIG);
  expect(await ask(() => new Response("<html>"))).toEqual(DEFAULT_CONFIG);
  expect(await ask(() => Response.json({ version: "5.0", mode: "blocks", page: null }))).toEqual(
    DEFAULT_CONFIG,
  );
});

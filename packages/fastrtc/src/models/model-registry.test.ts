import { expect, it } from "vitest";
import { getSttModel, getTtsModel } from "./model-registry.ts";

it("loads models by name", async () => {
  expect((await getTtsModel("flite")).model).toBe("flite rms");
  expect((await getTtsModel("flite", { voice: "slt" })).model).toBe("flite slt");
  const server = { baseURL: "http://127.0.0.1:1/v1" };
  expect((await getSttModel("openai", server)).model).toBe("openai whisper-1");
  expect((await getTtsModel("openai", { ...server, model: "kokoro", voice: "af_sky" })).model).toBe(
    "openai kokoro af_sky",
  );
});

it("says which names there are", async () => {
  await expect(getSttModel("flite" as "openai")).rejects.toThrow(/Give one of openai, sherpa/);
  await expect(getTtsModel("toString" as "openai")).rejects.toThrow(
    /Give one of openai, sherpa, flite/,
  );
});

it("says what is wrong with the options", async () => {
  await expect(getSttModel("sherpa", { modelPath: "/nowhere" })).rejects.toThrow(
    /no folder \/nowhere/,
  );
  await expect(getSttModel("openai", { baseURL: "not a url" })).rejects.toThrow(/baseURL/);
});

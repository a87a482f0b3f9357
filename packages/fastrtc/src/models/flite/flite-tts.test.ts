import { expect, it } from "vitest";
import { createFliteTts } from "./flite-tts.ts";

it("speaks in a thread of its own, with the words on the frame", async () => {
  const frame = await createFliteTts({ voice: "kal16" }).tts("Good morning.");
  expect(frame).toMatchObject({ sampleRate: 16_000, channels: 1, text: "Good morning." });
  expect(frame.durationMs).toBeGreaterThan(400);
  expect(frame.samples.some((sample) => Math.abs(sample) > 1000)).toBe(true);
});

it("speaks faster if told to", async () => {
  const [slow, fast] = await Promise.all(
    [0.5, 2].map((speed) => createFliteTts({ voice: "kal16", speed }).tts("Good morning.")),
  );
  expect(slow!.durationMs / fast!.durationMs).toBeGreaterThan(3);
});

it("says which text it cannot speak, and speaks the next", async () => {
  const tts = createFliteTts({ voice: "kal16" });
  await expect(tts.tts("你好")).rejects.toMatchObject({
    code: "MODEL",
    message: expect.stringMatching(/flite kal16.*English only.*"你好"/) as string,
  });
  expect((await tts.tts("Hello.")).durationMs).toBeGreaterThan(100);
});

it("refuses voices and speeds that it does not have", () => {
  expect(() => createFliteTts({ voice: "bob" as never })).toThrow(/one of rms, slt/);
  expect(() => createFliteTts({ speed: 9 })).toThrow(/from 0.5 to 2/);
});

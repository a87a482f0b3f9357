import { describe, expect, it } from "vitest";

import { RealtimeScene, typed } from "../../../test/realtime-scene.ts";

describe("a reply", () => {
  it("becomes one response, in the protocol's order, with every id and index", () => {
    const scene = new RealtimeScene();
    scene.types();
    scene.log("started_talking");
    scene.log("pause_detected");
    scene.conversation.tell({ type: "transcript", data: { index: 1, text: "hi", isFinal: false } });
    scene.conversation.tell({ type: "transcript", data: { index: 1, text: "hi", isFinal: true } });
    scene.reply("started");
    scene.reply("text", { text: "Hello." });
    scene.sound();
    scene.reply("text", { text: "There." });
    scene.sound();
    scene.reply("finished");
    // What follows each reply, in a coding in which silence is not zero.
    scene.conversation.addAudio(new Uint8Array(160).fill(0xff), 20, new Uint8Array(960));
    const [created] = scene.of("response.created");
    const [done] = scene.of("response.done");
    const response = done!["response"] as { id: string; output: unknown[] };
    expect(response.output).toHaveLength(1);
    expect(response).toMatchObject({
      id: (created!["response"] as { id: string }).id,
      status: "completed",
      output: [
        { status: "completed", content: [{ type: "output_audio", transcript: "Hello. There." }] },
      ],
    });
    const deltas = scene.of("response.output_audio.delta");
    expect(new Set(deltas.map((delta) => delta["response_id"]))).toEqual(new Set([response.id]));
    const [user, assistant] = scene.conversation.items.all;
    expect(scene.of("conversation.item.done").map((event) => event["previous_item_id"])).toEqual([
      null,
      user!.id,
    ]);
    expect(deltas[0]).toMatchObject({ item_id: assistant!.id, output_index: 0, content_index: 0 });
    expect(scene.types()).toEqual([
      "input_audio_buffer.speech_started",
      "input_audio_buffer.speech_stopped",
      "input_audio_buffer.committed",
      "conversation.item.added",
      "conversation.item.done",
      "response.created",
      "conversation.item.input_audio_transcription.completed",
      "response.output_item.added",
      "conversation.item.added",
      "response.content_part.added",
      "response.output_audio_transcript.delta",
      "response.output_audio.delta",
      "response.output_audio_transcript.delta",
      "response.output_audio.delta",
      "response.output_audio.done",
      "response.output_audio_transcript.done",
      "response.content_part.done",
      "conversation.item.done",
      "response.output_item.done",
      "response.done",
    ]);
  });

  it("is text alone where the client wants text", () => {
    const scene = new RealtimeScene({ session: { output_modalities: ["text"] } });
    scene.types();
    scene.reply("started");
    scene.reply("text", { text: "Hello." });
    scene.sound();
    scene.reply("finished");
    expect(scene.types()).toEqual([
      "response.created",
      "response.output_item.added",
      "conversation.item.added",
      "response.content_part.added",
      "response.output_text.delta",
      "response.output_text.done",
      "response.content_part.done",
      "conversation.item.done",
      "response.output_item.done",
      "response.done",
    ]);
  });

  it("that speech interrupts is cancelled after the client has been told of the speech", async () => {
    const scene = new RealtimeScene();
    scene.reply("started");
    scene.sound();
    scene.types();
    scene.reply("interrupted", { heardText: "He" });
    scene.conversation.tell({ type: "turn", data: { index: 1 } });
    scene.log("started_talking");
    await Promise.resolve();
    const types = scene.types();
    expect(types[0]).toBe("input_audio_buffer.speech_started");
    expect(types.filter((type) => type === "response.done")).toHaveLength(1);
    expect(scene.conversation.items.all.at(-1)).toMatchObject({
      status: "incomplete",
      content: [{ transcript: "He" }],
    });
  });

  it("that the application interrupts is cancelled without any speech", async () => {
    const scene = new RealtimeScene();
    scene.reply("started");
    scene.sound();
    scene.reply("interrupted", { heardText: "" });
    await Promise.resolve();
    expect(scene.of("response.done")).toHaveLength(1);
    expect(scene.of("input_audio_buffer.speech_started")).toEqual([]);
  });

  it("on a track has no audio events, and is taken back from the client's buffer", async () => {
    const scene = new RealtimeScene({ track: true });
    scene.types();
    scene.reply("started");
    scene.reply("text", { text: "Hello." });
    scene.sound();
    scene.sound();
    scene.reply("interrupted", { heardText: "Hel" });
    await Promise.resolve();
    expect(scene.of("conversation.item.truncated")[0]).toMatchObject({ audio_end_ms: 40 });
    const types = scene.types();
    expect(types).not.toContain("response.output_audio.delta");
    expect(types.slice(-3)).toEqual([
      "response.done",
      "output_audio_buffer.cleared",
      "conversation.item.truncated",
    ]);
    scene.reply("started");
    scene.sound();
    scene.reply("finished");
    expect(scene.types().slice(-2)).toEqual(["response.done", "output_audio_buffer.stopped"]);
  });

  it("that nobody announced ends with its sound", () => {
    const scene = new RealtimeScene();
    scene.sound();
    scene.conversation.addAudio(new Uint8Array(960), 20);
    scene.clock.advance(400);
    expect(scene.of("response.done")).toEqual([]);
    scene.clock.advance(200);
    expect(scene.of("response.done")).toHaveLength(1);
    scene.conversation.addAudio(new Uint8Array(960), 20);
    expect(scene.of("response.created")).toHaveLength(1);
    scene.conversation.close();
    expect(scene.clock.pendingTimers).toBe(0);
  });
});

describe("a request for a response", () => {
  it("is answered at once, by what was typed or by what was said", () => {
    const scene = new RealtimeScene();
    scene.send(typed("hello"));
    scene.send(typed("there"));
    scene.send({ type: "response.create" });
    expect(scene.asked).toEqual([["text", "hello\nthere"]]);
    expect(scene.of("response.created")).toHaveLength(1);
    scene.reply("started");
    scene.reply("finished");
    scene.send({ type: "response.create" });
    expect(scene.asked.at(-1)).toBe("end");
    expect(scene.of("response.created")).toHaveLength(2);
  });

  it("is answered by what was typed and is still there", () => {
    const scene = new RealtimeScene();
    const item = { ...(typed("never mind") as { item: object }).item, id: "gone" };
    scene.send({ type: "conversation.item.create", item });
    scene.send(typed("hello"));
    scene.send({ type: "conversation.item.delete", item_id: "gone" });
    scene.send({ type: "response.create" });
    expect(scene.asked).toEqual([["text", "hello"]]);
  });

  it("is answered by no more texts than are remembered, however many came", () => {
    const scene = new RealtimeScene();
    for (let at = 0; at < 1100; at++) scene.send(typed(`${at}`));
    scene.send({ type: "response.create" });
    const [[, text]] = scene.asked as [[string, string]];
    expect(text.split("\n")).toHaveLength(1000);
    expect(text.endsWith("\n1099")).toBe(true);
  });

  it("fails, but ends, where the handler answers no requests", () => {
    const scene = new RealtimeScene();
    scene.answersRequests = false;
    scene.send({ type: "response.create" });
    expect(scene.of("response.created")).toHaveLength(1);
    expect(scene.of("response.done")[0]!["response"]).toMatchObject({ status: "failed" });
  });

  it("is refused by name while one is active", () => {
    const scene = new RealtimeScene();
    scene.send({ type: "response.create" });
    scene.send({ type: "response.create", event_id: "mine" });
    expect(scene.error).toMatchObject({
      code: "conversation_already_has_active_response",
      event_id: "mine",
    });
  });

  it("decides for its response what its session does otherwise", () => {
    const scene = new RealtimeScene();
    scene.send({
      type: "response.create",
      response: { instructions: "Sing.", metadata: { a: "b" } },
    });
    expect(scene.conversation.settings.instructions).toBe("Sing.");
    scene.reply("finished");
    expect(scene.conversation.settings.instructions).toBe("");
  });

  it("can be cancelled, also before anything is heard", () => {
    const scene = new RealtimeScene();
    scene.send({ type: "response.cancel", event_id: "c1" });
    expect(scene.error).toMatchObject({ code: "response_cancel_not_active", event_id: "c1" });
    scene.send({ type: "response.create" });
    scene.send({ type: "response.cancel" });
    expect(scene.of("response.done")[0]!["response"]).toMatchObject({
      status: "cancelled",
      status_details: { reason: "client_cancelled" },
    });
  });

  it("is not ended by the reply that made way for it", async () => {
    const scene = new RealtimeScene();
    scene.conversation.start({
      endTurnNow: () => {
        scene.reply("interrupted", { heardText: "" });
        return true;
      },
      interruptNow: () => false,
      onText: () => true,
      setTurnPolicy: () => undefined,
      reset: () => undefined,
    });
    scene.send({ type: "response.create" });
    await Promise.resolve();
    expect(scene.of("response.done")).toEqual([]);
  });
});

describe("a tool of the client's", () => {
  const call = (scene: RealtimeScene, name = "weather"): Promise<string> =>
    scene.conversation.callTool({
      name,
      arguments: "{}",
      signal: new AbortController().signal,
      replyIndex: 1,
    });
  const callIds = (scene: RealtimeScene): string[] =>
    scene.conversation.items.all.flatMap((item) =>
      item.type === "function_call" ? [item.call_id] : [],
    );
  const give = (scene: RealtimeScene, callId: string | undefined, output: string): void => {
    scene.send({
      type: "conversation.item.create",
      item: { type: "function_call_output", call_id: callId, output },
    });
  };

  it("runs in a response that ends, and the reply goes on in the one that is asked for", async () => {
    const scene = new RealtimeScene();
    const both = Promise.all([call(scene), call(scene, "time")]);
    await Promise.resolve();
    expect(scene.of("response.done")).toHaveLength(1);
    expect(
      (scene.of("response.done")[0]!["response"] as { output: unknown[] }).output,
    ).toHaveLength(2);
    const [first, second] = callIds(scene);
    give(scene, first, "rain");
    give(scene, second, "noon");
    expect(await both).toEqual(["rain", "noon"]);
    scene.send({ type: "response.create" });
    expect(scene.of("response.created")).toHaveLength(2);
    expect(scene.asked).toEqual([]);
    scene.reply("started");
    scene.sound();
    scene.reply("finished");
    expect(scene.of("response.done")).toHaveLength(2);
    // One request may stand for both outputs, or each has its own.
    scene.send({ type: "response.create" });
    expect(scene.of("response.done")).toHaveLength(3);
    expect(scene.asked).toEqual([]);
    scene.send({ type: "response.create" });
    expect(scene.asked).toEqual(["end"]);
  });

  it("does not cut off the sentence in which it is called", async () => {
    const scene = new RealtimeScene();
    scene.reply("started");
    scene.reply("text", { text: "Let me see." });
    scene.sound();
    const output = call(scene);
    await Promise.resolve();
    expect(scene.of("response.done")).toEqual([]);
    give(scene, callIds(scene)[0], "rain");
    expect(await output).toBe("rain");
    scene.reply("text", { text: "Rain." });
    scene.reply("finished");
    expect(scene.of("response.done")).toHaveLength(1);
    scene.send({ type: "response.create" });
    expect(scene.of("response.done")).toHaveLength(2);
    expect(scene.asked).toEqual([]);
  });

  it("is given up with its reply, and with its session", async () => {
    const scene = new RealtimeScene();
    const controller = new AbortController();
    const request = { name: "a", arguments: "{}", signal: controller.signal, replyIndex: 1 };
    const first = scene.conversation.callTool(request);
    controller.abort(new Error("interrupted"));
    await expect(first).rejects.toThrow("interrupted");
    const second = call(scene);
    scene.conversation.close();
    await expect(second).rejects.toThrow("The session has ended.");
  });

  it("that nobody called has no output", () => {
    const scene = new RealtimeScene();
    give(scene, "call_x", "rain");
    expect(scene.error).toMatchObject({ code: "item_not_found", param: "item.call_id" });
  });
});

describe("what the protocol has no word for", () => {
  it("goes to those who listen to everything", () => {
    const scene = new RealtimeScene();
    scene.conversation.tell({ type: "message", data: { a: 1 } });
    scene.conversation.tell({ type: "fetch_output", data: [2] });
    scene.conversation.tell({ type: "warning", message: "Slow." });
    expect(scene.events.slice(-3)).toMatchObject([
      { type: "fastrtc.message", data: { a: 1 } },
      { type: "fastrtc.fetch_output", data: [2] },
      { type: "fastrtc.warning", message: "Slow." },
    ]);
    scene.conversation.tell({ type: "error", message: "Failed." });
    expect(scene.error).toMatchObject({ code: "handler_error" });
  });
});

import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { append, RealtimeScene, SOUND, typed } from "../../../test/realtime-scene.ts";
import type { ErrorBody } from "../../../test/realtime-scene.ts";
import type { RealtimeSettings } from "./session-settings.ts";

describe("the session's settings", () => {
  it("come back whole, formats replaced and not merged", () => {
    const scene = new RealtimeScene();
    scene.send({
      type: "session.update",
      session: { type: "realtime", audio: { input: { format: { type: "audio/pcmu" } } } },
    });
    const updated = scene.of("session.updated")[0]!["session"] as RealtimeSettings;
    expect(updated).toMatchObject({
      id: "sess_1",
      object: "realtime.session",
      type: "realtime",
      model: "m",
      tools: [],
    });
    expect(updated.audio.input.format).toEqual({ type: "audio/pcmu" });
    expect(updated.audio.output.format).toEqual({ type: "audio/pcm", rate: 24_000 });
    expect(updated.audio.input.turn_detection).toEqual({
      type: "server_vad",
      create_response: true,
      interrupt_response: true,
    });
  });

  it("reach the handler: who ends turns, who answers them, who may interrupt", () => {
    const scene = new RealtimeScene();
    const policy = (turn_detection: unknown): unknown => {
      scene.send({ type: "session.update", session: { audio: { input: { turn_detection } } } });
      return scene.asked.at(-1);
    };
    expect(policy(null)).toEqual({
      detectsTurns: false,
      repliesAutomatically: false,
      isInterruptible: true,
    });
    expect(policy({ type: "server_vad", create_response: false })).toMatchObject({
      detectsTurns: true,
      repliesAutomatically: false,
    });
    expect(policy({ type: "semantic_vad", interrupt_response: false })).toMatchObject({
      repliesAutomatically: true,
      isInterruptible: false,
    });
  });

  it("apply as far as they can, and say what cannot be", () => {
    const scene = new RealtimeScene();
    const updates: unknown[] = [];
    scene.conversation.onUpdate((settings) => updates.push(settings.audio.output.voice));
    scene.send({
      type: "session.update",
      event_id: "u1",
      session: {
        prompt: { id: "p" },
        tools: [{ type: "mcp" }, { type: "function", name: "a" }],
        audio: { output: { voice: "cedar", speed: 9, format: { type: "mp3" } } },
      },
    });
    expect(scene.of("error").map((event) => (event["error"] as ErrorBody).param)).toEqual([
      "session.prompt",
      "session.audio.output.format",
      "session.audio.output.speed",
      "session.tools[0]",
    ]);
    expect(scene.error?.event_id).toBe("u1");
    expect(scene.of("session.updated")).toHaveLength(1);
    expect(scene.conversation.settings.tools).toEqual([{ type: "function", name: "a" }]);
    expect(updates).toEqual(["cedar"]);
  });

  it("of another kind of session are refused whole", () => {
    const scene = new RealtimeScene();
    scene.send({ type: "session.update", session: { type: "transcription" } });
    expect(scene.error).toMatchObject({ param: "session.type" });
    expect(scene.of("session.updated")).toEqual([]);
  });
});

describe("items", () => {
  it("can be retrieved, deleted and put in their places", () => {
    const scene = new RealtimeScene();
    for (const [id, after] of [["b"], ["a", "root"], ["c", "b"]] as const) {
      scene.send({
        ...typed(id),
        ...(after === undefined ? {} : { previous_item_id: after }),
        item: { id, type: "message", role: "user", content: [{ type: "input_text", text: id }] },
      });
    }
    expect(scene.conversation.items.all.map(({ id }) => id)).toEqual(["a", "b", "c"]);
    expect(scene.of("conversation.item.added").map((event) => event["previous_item_id"])).toEqual([
      null,
      null,
      "b",
    ]);
    scene.send({ type: "conversation.item.delete", item_id: "b" });
    scene.send({ type: "conversation.item.retrieve", item_id: "c" });
    expect(scene.of("conversation.item.retrieved")[0]!["item"]).toMatchObject({ id: "c" });
    scene.send({ type: "conversation.item.retrieve", item_id: "b", event_id: "r1" });
    expect(scene.error).toMatchObject({ code: "item_not_found", event_id: "r1" });
  });

  it("are cut where the client stopped playing, and not beyond their end", () => {
    const scene = new RealtimeScene();
    scene.reply("started");
    scene.reply("text", { text: "one two three four" });
    for (let i = 0; i < 50; i++) scene.sound();
    scene.reply("finished");
    const { id } = scene.conversation.items.all[0]!;
    const cut = (endMs: unknown): unknown => {
      scene.send({
        type: "conversation.item.truncate",
        item_id: id,
        content_index: 0,
        audio_end_ms: endMs,
      });
      const item = scene.conversation.items.find(id);
      return item?.type === "message" && item.content[0];
    };
    expect(cut(5000)).toMatchObject({ transcript: "one two three four" });
    expect(scene.of("conversation.item.truncated")[0]).toMatchObject({ audio_end_ms: 1000 });
    expect(cut(500)).toMatchObject({ transcript: "one two" });
    expect(cut("x")).toMatchObject({ transcript: "one two" });
    expect(scene.error).toMatchObject({ param: "audio_end_ms" });
  });

  it("are bounded in number", () => {
    const scene = new RealtimeScene();
    for (let i = 0; i < 1100; i++) scene.send(typed(`${i}`));
    expect(scene.conversation.items.all).toHaveLength(1000);
  });

  it("are bounded in size, whatever they are made of", () => {
    const scene = new RealtimeScene();
    const long = "x".repeat(200_000);
    const item = { type: "function_call", call_id: long, name: "n", arguments: "{}" };
    for (let i = 0; i < 30; i++) scene.send({ type: "conversation.item.create", item });
    expect(scene.conversation.items.all.length).toBeLessThan(20);
    const content = Array.from({ length: 5000 }, () => ({ type: "input_text", text: "" }));
    const empty = { type: "message", role: "user", content };
    for (let i = 0; i < 30; i++) {
      scene.send({ type: "conversation.item.create", item: empty });
    }
    expect(scene.conversation.items.all.length).toBeLessThan(26);
  });
});

describe("what a client should not send", () => {
  it.each([
    ["no JSON", "{", "invalid_json"],
    ["no object", "[]", "invalid_json"],
    ["nothing", "", "invalid_json"],
    ["no type", "{}", "invalid_value"],
    ["an unknown type", '{"type":"transcription_session.update"}', "unsupported_event"],
    ["base64 that is none", '{"type":"input_audio_buffer.append","audio":"!!!!"}', "invalid_value"],
    ["half a sample", '{"type":"input_audio_buffer.append","audio":"AAAA"}', "invalid_value"],
    ["no audio", '{"type":"input_audio_buffer.append"}', "invalid_value"],
    ["an empty commit", '{"type":"input_audio_buffer.commit"}', "input_audio_buffer_commit_empty"],
    [
      "a picture",
      JSON.stringify({
        type: "conversation.item.create",
        item: { type: "message", role: "user", content: [{ type: "input_image" }] },
      }),
      "unsupported_value",
    ],
    [
      "an approval",
      '{"type":"conversation.item.create","item":{"type":"mcp_approval_response"}}',
      "unsupported_value",
    ],
    ["no item", '{"type":"conversation.item.create"}', "invalid_value"],
    [
      "a response beside the conversation",
      '{"type":"response.create","response":{"conversation":"none"}}',
      "unsupported_value",
    ],
    ["a buffer that is not there", '{"type":"output_audio_buffer.clear"}', "unsupported_event"],
    [
      "a very long event",
      JSON.stringify({ type: "session.update", session: { instructions: "x".repeat(300_000) } }),
      "event_too_long",
    ],
  ])("is refused by name: %s", (_title, text, code) => {
    const scene = new RealtimeScene();
    scene.send(text);
    expect(scene.error).toMatchObject({ code });
    scene.send(append(SOUND));
    expect(scene.appended).toHaveLength(1);
  });

  it("is audio where that comes on a track", () => {
    const scene = new RealtimeScene({ track: true });
    scene.send({ ...append(SOUND), event_id: "a1" });
    expect(scene.error).toMatchObject({ code: "unsupported_event", event_id: "a1" });
  });

  it("never ends a conversation, whatever it is", () => {
    const scene = new RealtimeScene();
    const types = [
      "session.update",
      "input_audio_buffer.append",
      "input_audio_buffer.commit",
      "input_audio_buffer.clear",
      "conversation.item.create",
      "conversation.item.truncate",
      "conversation.item.retrieve",
      "conversation.item.delete",
      "response.create",
      "response.cancel",
      "output_audio_buffer.clear",
    ];
    fc.assert(
      fc.property(
        fc.constantFrom(...types),
        fc.dictionary(
          fc.constantFrom(
            "session",
            "audio",
            "item",
            "item_id",
            "audio_end_ms",
            "response",
            "event_id",
            "previous_item_id",
          ),
          fc.jsonValue({ maxDepth: 3 }),
        ),
        (type, fields) => {
          scene.send({ ...(fields as object), type });
        },
      ),
      { seed: 11, numRuns: 400 },
    );
    scene.events.length = 0;
    scene.send(append(SOUND));
    expect(scene.error).toBeUndefined();
  });
});

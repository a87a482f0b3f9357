/**
 * What a client may set for its session: read from `session.update`, and echoed whole.
 *
 * Formats, turn detection, transcription and tools are replaced as a whole, never merged field by
 * field: a format that was merged with the one before it would be of neither kind.
 */

import { parseAudioFormat, PCM_FORMAT } from "./audio-format.ts";
import type { RealtimeAudioFormat } from "./audio-format.ts";
import { isObject } from "./client-event.ts";
import type { JsonObject } from "./client-event.ts";
import { invalidValue, RealtimeRefusal } from "./realtime-refusal.ts";

/** A tool that the client runs. */
export interface RealtimeTool {
  readonly type: "function";
  readonly name: string;
  readonly description?: string;
  /** JSON Schema of the arguments. */
  readonly parameters?: unknown;
}

/** When turns end, and what then. */
export interface RealtimeTurnDetection extends JsonObject {
  readonly type: "server_vad" | "semantic_vad";
  /** Whether a turn is answered without being asked. */
  readonly create_response: boolean;
  /** Whether speech stops a reply. */
  readonly interrupt_response: boolean;
}

/** What holds for a session: the protocol's `session` object without its id. */
export interface RealtimeSettings {
  readonly type: "realtime";
  readonly model: string;
  readonly instructions: string;
  readonly output_modalities: readonly ("audio" | "text")[];
  readonly audio: {
    readonly input: {
      readonly format: RealtimeAudioFormat;
      readonly transcription: JsonObject | null;
      readonly noise_reduction: JsonObject | null;
      /** Null where the client says itself when a turn ends. */
      readonly turn_detection: RealtimeTurnDetection | null;
    };
    readonly output: {
      readonly format: RealtimeAudioFormat;
      readonly voice: string;
      readonly speed: number;
    };
  };
  readonly tools: readonly RealtimeTool[];
  readonly tool_choice: unknown;
  readonly max_output_tokens: unknown;
  readonly tracing: unknown;
}

/** How a session begins. */
export function initialSettings(model: string): RealtimeSettings {
  return {
    type: "realtime",
    model,
    instructions: "",
    output_modalities: ["audio"],
    audio: {
      input: {
        format: PCM_FORMAT,
        transcription: null,
        noise_reduction: null,
        turn_detection: {
          type: "server_vad",
          create_response: true,
          interrupt_response: true,
        },
      },
      output: { format: PCM_FORMAT, voice: "default", speed: 1 },
    },
    tools: [],
    tool_choice: "auto",
    max_output_tokens: "inf",
    tracing: null,
  };
}

/** What became of an update. */
export interface SettingsUpdate {
  readonly settings: RealtimeSettings;
  /** What could not be applied; the rest was. */
  readonly refusals: readonly RealtimeRefusal[];
}

/**
 * Applies a `session.update`. What it does not name keeps its value.
 *
 * @throws {@link RealtimeRefusal} when nothing of it can be applied.
 */
export function updateSettings(old: RealtimeSettings, update: unknown): SettingsUpdate {
  if (!isObject(update)) throw invalidValue("session", "give an object.");
  const { type = "realtime", prompt, ...rest } = update;
  if (type !== "realtime") throw invalidValue("session.type", 'only "realtime" is spoken here.');
  const refusals: RealtimeRefusal[] = [];
  const read = <T>(value: unknown, parse: (value: unknown) => T, kept: T): T => {
    if (value === undefined) return kept;
    try {
      return parse(value);
    } catch (error) {
      if (!(error instanceof RealtimeRefusal)) throw error;
      refusals.push(error);
      return kept;
    }
  };
  if (prompt !== undefined && prompt !== null) {
    refusals.push(
      new RealtimeRefusal(
        "unsupported_value",
        "There are no stored prompts here.",
        "session.prompt",
      ),
    );
  }
  const audio = isObject(rest["audio"]) ? rest["audio"] : {};
  const input = isObject(audio["input"]) ? audio["input"] : {};
  const output = isObject(audio["output"]) ? audio["output"] : {};
  const settings: RealtimeSettings = {
    type: "realtime",
    model: read(rest["model"], textOf("session.model", 200), old.model),
    instructions: read(rest["instructions"], textOf("session.instructions"), old.instructions),
    output_modalities: read(rest["output_modalities"], parseModalities, old.output_modalities),
    audio: {
      input: {
        format: read(
          input["format"],
          (value) => parseAudioFormat(value, "session.audio.input.format"),
          old.audio.input.format,
        ),
        transcription: read(
          input["transcription"],
          objectOrNull("session.audio.input.transcription"),
          old.audio.input.transcription,
        ),
        noise_reduction: read(
          input["noise_reduction"],
          objectOrNull("session.audio.input.noise_reduction"),
          old.audio.input.noise_reduction,
        ),
        turn_detection: read(
          input["turn_detection"],
          parseTurnDetection,
          old.audio.input.turn_detection,
        ),
      },
      output: {
        format: read(
          output["format"],
          (value) => parseAudioFormat(value, "session.audio.output.format"),
          old.audio.output.format,
        ),
        voice: read(output["voice"], parseVoice, old.audio.output.voice),
        speed: read(output["speed"], parseSpeed, old.audio.output.speed),
      },
    },
    tools: read(rest["tools"], (value) => parseTools(value, refusals), old.tools),
    tool_choice: rest["tool_choice"] ?? old.tool_choice,
    max_output_tokens: rest["max_output_tokens"] ?? old.max_output_tokens,
    tracing: rest["tracing"] === undefined ? old.tracing : rest["tracing"],
  };
  return { settings, refusals };
}

function textOf(path: string, maxLength = Infinity): (value: unknown) => string {
  return (value) => {
    if (typeof value === "string" && value.length <= maxLength) return value;
    throw invalidValue(path, "give a string.");
  };
}

function objectOrNull(path: string): (value: unknown) => JsonObject | null {
  return (value) => {
    if (value === null || isObject(value)) return value;
    throw invalidValue(path, "give an object or null.");
  };
}

function parseModalities(value: unknown): readonly ("audio" | "text")[] {
  const isOne = Array.isArray(value) && value.length === 1;
  const first: unknown = isOne ? value[0] : undefined;
  if (first === "audio" || first === "text") return [first];
  throw invalidValue("session.output_modalities", 'give ["audio"] or ["text"].');
}

function parseTurnDetection(value: unknown): RealtimeTurnDetection | null {
  if (value === null) return null;
  const { type } = isObject(value) ? value : {};
  if (!isObject(value) || (type !== "server_vad" && type !== "semantic_vad")) {
    throw invalidValue(
      "session.audio.input.turn_detection",
      "give null, or the type server_vad or semantic_vad.",
    );
  }
  return {
    ...value,
    type,
    create_response: value["create_response"] !== false,
    interrupt_response: value["interrupt_response"] !== false,
  };
}

function parseVoice(value: unknown): string {
  if (typeof value === "string") return value;
  if (isObject(value) && typeof value["id"] === "string") return value["id"];
  throw invalidValue("session.audio.output.voice", "give the voice's name.");
}

function parseSpeed(value: unknown): number {
  if (typeof value === "number" && value >= 0.25 && value <= 1.5) return value;
  throw invalidValue("session.audio.output.speed", "give 0.25 to 1.5.");
}

function parseTools(value: unknown, refusals: RealtimeRefusal[]): readonly RealtimeTool[] {
  if (!Array.isArray(value)) throw invalidValue("session.tools", "give an array.");
  return value.flatMap((tool: unknown, at): RealtimeTool[] => {
    if (isObject(tool) && tool["type"] === "function" && typeof tool["name"] === "string") {
      return [{ ...tool, type: "function", name: tool["name"] }];
    }
    refusals.push(
      new RealtimeRefusal(
        "unsupported_value",
        "Only tools of the type function are supported.",
        `session.tools[${at}]`,
      ),
    );
    return [];
  });
}

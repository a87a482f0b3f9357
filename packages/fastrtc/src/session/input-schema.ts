/** Reads additional inputs through the schema that the application gave. */

import type { StandardJSONSchemaV1, StandardSchemaV1 } from "@standard-schema/spec";

import { InvalidOptionError, NegotiationError } from "../errors.ts";

/**
 * A schema of any library that follows Standard Schema (zod, valibot, arktype, …). Where it also
 * gives its JSON Schema, the built-in page draws a form from it.
 */
export type InputSchema = StandardSchemaV1;

/** The additional inputs of a stream: what they are, and what holds before the first are set. */
export class AdditionalInputs {
  readonly #schema: InputSchema | undefined;

  /** @throws {@link InvalidOptionError} when it is not a schema. */
  constructor(schema: InputSchema | undefined) {
    if (schema !== undefined && typeof (schema as Partial<InputSchema>)["~standard"] !== "object") {
      throw new InvalidOptionError(
        "additionalInputs",
        schema,
        "Give a schema of a Standard Schema library, such as z.object({ voice: z.string().default('alto') }).",
      );
    }
    this.#schema = schema;
  }

  /** What an application reads before any inputs are set: the schema's defaults, or an empty array. */
  async initial(): Promise<unknown> {
    if (!this.#schema) return [];
    const result = await this.#schema["~standard"].validate({});
    return result.issues ? undefined : result.value;
  }

  /**
   * Checks what a client posted.
   *
   * @returns what the schema makes of it; without a schema, the value itself.
   * @throws {@link NegotiationError} that names the path of each field that does not fit.
   */
  async parse(value: unknown): Promise<unknown> {
    if (!this.#schema) return value;
    const result = await this.#schema["~standard"].validate(value);
    if (!result.issues) return result.value;
    const issues = result.issues.map(({ path = [], message }) => ({
      path: path.map((part) => String(typeof part === "object" ? part.key : part)).join("."),
      message,
    }));
    const listed = issues.map(({ path, message }) => (path ? `${path}: ${message}` : message));
    throw new NegotiationError(`Invalid inputs. ${listed.join("; ")}`, {
      reason: "invalid_request",
      status: 400,
      issues,
    });
  }

  /** The JSON Schema for forms; null where there is none. */
  get jsonSchema(): Readonly<Record<string, unknown>> | null {
    const standard = this.#schema?.["~standard"] as Partial<StandardJSONSchemaV1.Props> | undefined;
    try {
      return standard?.jsonSchema?.input({ target: "draft-2020-12" }) ?? null;
    } catch {
      // The library knows the interface and cannot describe this schema: no form then.
      return null;
    }
  }
}

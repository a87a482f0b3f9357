/** Reads what clients send through the schema that the application gave: inputs and parameters. */

import type { StandardJSONSchemaV1, StandardSchemaV1 } from "@standard-schema/spec";

import { InvalidOptionError, NegotiationError } from "../errors.ts";

/**
 * A schema of any library that follows Standard Schema (zod, valibot, arktype, …). Where it also
 * gives its JSON Schema, the built-in page draws a form from it.
 *
 * @typeParam Output - What the schema makes of a valid value.
 */
export type InputSchema<Output = unknown> = StandardSchemaV1<unknown, Output>;

/** What is wrong, before the list of what. */
const WHAT = { additionalInputs: "Invalid inputs.", params: "Invalid parameters." } as const;

/** What clients may send: a schema, or anything. */
export class ClientValues {
  readonly #option: keyof typeof WHAT;
  readonly #schema: InputSchema | undefined;

  /**
   * @param option - The stream's option that holds the schema.
   * @throws {@link InvalidOptionError} when it is not a schema.
   */
  constructor(option: keyof typeof WHAT, schema: InputSchema | undefined) {
    if (schema !== undefined && typeof (schema as Partial<InputSchema>)["~standard"] !== "object") {
      throw new InvalidOptionError(
        option,
        schema,
        "Give a schema of a Standard Schema library, such as z.object({ voice: z.string().default('alto') }).",
      );
    }
    this.#option = option;
    this.#schema = schema;
  }

  /** Whether there is a schema. */
  get hasSchema(): boolean {
    return this.#schema !== undefined;
  }

  /**
   * What holds before a client has sent any: the schema's defaults, or undefined where it has none.
   *
   * @param fallback - What holds without a schema.
   */
  async initial(fallback: unknown): Promise<unknown> {
    if (!this.#schema) return fallback;
    const result = await this.#schema["~standard"].validate({});
    return result.issues ? undefined : result.value;
  }

  /**
   * Checks what a client sent.
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
    throw new NegotiationError(`${WHAT[this.#option]} ${listed.join("; ")}`, {
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

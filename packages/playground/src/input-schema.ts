/** One input, as far as a form can show it. */
export interface InputField {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly required: boolean;
  /** undefined when the schema has none. */
  readonly initial: unknown;
  readonly control: InputControl;
}

/** How an input is shown. */
export type InputControl =
  | { readonly kind: "text" | "paragraph" | "password" | "switch" | "json" }
  | { readonly kind: "choice"; readonly choices: readonly unknown[] }
  | {
      readonly kind: "number" | "slider";
      readonly min: number | undefined;
      readonly max: number | undefined;
      readonly step: number | "any";
    };

type Schema = Readonly<Record<string, unknown>>;

// More stops than this cannot be hit with a finger or an arrow key.
const MAX_SLIDER_STOPS = 1000;
const LONG_TEXT_LENGTH = 200;

/**
 * Reads the fields of a form from a JSON Schema of type object.
 *
 * What has no control of its own (lists, objects, unions) becomes a field for JSON.
 */
export function readInputFields(schema: Schema): InputField[] {
  const properties = schema["properties"];
  if (!isSchema(properties)) return [];
  const required = Array.isArray(schema["required"]) ? (schema["required"] as unknown[]) : [];
  return Object.entries(properties).map(([name, property]) => {
    const resolved = resolve(isSchema(property) ? property : {}, schema);
    const { title, description } = resolved;
    return {
      name,
      title: typeof title === "string" ? title : name,
      description: typeof description === "string" ? description : "",
      required: required.includes(name),
      initial: resolved["default"],
      control: readControl(resolved),
    };
  });
}

function readControl(schema: Schema): InputControl {
  if (Array.isArray(schema["enum"])) return { kind: "choice", choices: schema["enum"] };
  if ("const" in schema) return { kind: "choice", choices: [schema["const"]] };
  switch (schema["type"]) {
    case "string":
      return { kind: readTextKind(schema) };
    case "boolean":
      return { kind: "switch" };
    case "integer":
    case "number":
      return readNumber(schema, schema["type"] === "integer");
    default:
      return { kind: "json" };
  }
}

function readTextKind({ format, writeOnly, maxLength }: Schema): "text" | "paragraph" | "password" {
  if (format === "password" || writeOnly === true) return "password";
  const isLong = typeof maxLength === "number" && maxLength > LONG_TEXT_LENGTH;
  return isLong || format === "textarea" ? "paragraph" : "text";
}

function readNumber(schema: Schema, isInteger: boolean): InputControl {
  const multiple = readFinite(schema["multipleOf"]);
  const above = readFinite(schema["exclusiveMinimum"]);
  const below = readFinite(schema["exclusiveMaximum"]);
  let min = readFinite(schema["minimum"]) ?? above;
  let max = readFinite(schema["maximum"]) ?? below;
  const range = min === undefined || max === undefined ? undefined : max - min;
  const step =
    multiple ?? (isInteger ? 1 : range === undefined || range <= 0 ? undefined : readStep(range));
  if (step !== undefined) {
    if (min !== undefined && min === above) min += step;
    if (max !== undefined && max === below) max -= step;
  }
  const isSlider = range !== undefined && step !== undefined && range / step <= MAX_SLIDER_STOPS;
  return { kind: isSlider ? "slider" : "number", min, max, step: step ?? "any" };
}

/** Some hundred stops over the range, at a power of ten. */
function readStep(range: number): number {
  return 10 ** Math.floor(Math.log10(range / 100));
}

/** Schema writers bound every integer by what a double can hold; for people that is no bound. */
function readFinite(value: unknown): number | undefined {
  return typeof value === "number" && Math.abs(value) < Number.MAX_SAFE_INTEGER ? value : undefined;
}

/** Follows `$ref` inside the document, and takes "X or null" as X. */
function resolve(schema: Schema, root: Schema): Schema {
  let current = schema;
  // A chain longer than this is a circle.
  for (let hop = 0; hop < 8; hop += 1) {
    const reference = current["$ref"];
    const only = readOnlyBranch(current);
    if (typeof reference === "string")
      current = { ...lookUp(reference, root), ...omit(current, "$ref") };
    else if (only !== undefined) current = { ...only, ...omit(current, "anyOf", "oneOf") };
    else break;
  }
  const type = current["type"];
  if (!Array.isArray(type)) return current;
  const types = type.filter((name) => name !== "null");
  return types.length === 1 ? { ...current, type: types[0] as unknown } : current;
}

function readOnlyBranch(schema: Schema): Schema | undefined {
  const branches = schema["anyOf"] ?? schema["oneOf"];
  if (!Array.isArray(branches)) return undefined;
  const others = branches.filter(isSchema).filter((branch) => branch["type"] !== "null");
  return others.length === 1 ? others[0] : undefined;
}

function lookUp(reference: string, root: Schema): Schema {
  if (!reference.startsWith("#/")) return {};
  let value: unknown = root;
  for (const part of reference.slice(2).split("/")) {
    const key = part.replaceAll("~1", "/").replaceAll("~0", "~");
    value = isSchema(value) ? value[key] : undefined;
  }
  return isSchema(value) ? value : {};
}

function omit(schema: Schema, ...names: readonly string[]): Schema {
  return Object.fromEntries(Object.entries(schema).filter(([name]) => !names.includes(name)));
}

function isSchema(value: unknown): value is Schema {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

import type { InputIssue } from "@fastrtc/client";
import { createElement } from "./element.ts";
import { createInput, type InputView } from "./input-control.ts";
import { readInputFields } from "./input-schema.ts";

/** The fields of a JSON Schema in a form. */
export class InputForm {
  readonly #fields = createElement("fieldset", "", "fields");
  readonly #inputs: readonly InputView[];

  /**
   * @param form - Where to put them.
   * @param schema - JSON Schema of type object.
   * @param prefix - What the ids of its elements begin with.
   */
  constructor(form: HTMLFormElement, schema: Readonly<Record<string, unknown>>, prefix: string) {
    this.#inputs = readInputFields(schema).map((field) => createInput(field, prefix));
    this.#fields.append(...this.#inputs.map(({ element }) => element));
    form.replaceChildren(this.#fields);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
    });
  }

  /** Whether the schema has no fields. */
  get isEmpty(): boolean {
    return this.#inputs.length === 0;
  }

  /** Gives what the user has set, and takes old complaints away. */
  read(): Record<string, unknown> {
    for (const input of this.#inputs) input.showIssue("");
    const values = this.#inputs
      .map((input) => [input.name, input.read()] as const)
      .filter(([, value]) => value !== undefined);
    return Object.fromEntries(values);
  }

  /**
   * Shows what is wrong at the fields that it is about.
   *
   * @returns the message, with what belongs to no field.
   */
  showIssues(message: string, issues: readonly InputIssue[]): string {
    let rest = message;
    for (const { path, message: text } of issues) {
      const input = this.#inputs.find(({ name }) => path === name || path.startsWith(`${name}.`));
      if (input === undefined) rest += ` ${path === "" ? "" : `${path}: `}${text}`;
      else input.showIssue(text);
    }
    return rest;
  }

  /** Lets the user change the fields, or not. */
  setDisabled(disabled: boolean): void {
    this.#fields.disabled = disabled;
  }
}

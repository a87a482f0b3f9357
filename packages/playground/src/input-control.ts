import { createElement } from "./element.ts";
import type { InputField } from "./input-schema.ts";

/** One input on the page. */
export interface InputView {
  readonly name: string;
  readonly element: HTMLElement;
  /** What the user has set; undefined for nothing, or for text that is no JSON. */
  read(): unknown;
  showIssue(message: string): void;
}

type Editable = HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement;

/** Makes the label, control and hint of one input. */
export function createInput(field: InputField, prefix: string): InputView {
  const id = `${prefix}-${field.name}`;
  const { editable, row, read } = createControl(field);
  editable.id = id;
  editable.name = field.name;
  editable.required = field.required;
  const label = createElement("label", field.title);
  label.htmlFor = id;
  const hint = createElement("span", field.description, "hint");
  hint.id = `${id}-hint`;
  const issue = createElement("span", "", "issue");
  issue.id = `${id}-issue`;
  editable.setAttribute("aria-describedby", `${hint.id} ${issue.id}`);
  const element = createElement("div", "", "field");
  if (field.control.kind === "switch") {
    row.append(label);
    element.append(row, hint, issue);
  } else {
    element.append(label, row, hint, issue);
  }
  const showIssue = (message: string): void => {
    issue.textContent = message;
    editable.setAttribute("aria-invalid", String(message !== ""));
  };
  return { name: field.name, element, read: () => read(showIssue), showIssue };
}

interface Control {
  readonly editable: Editable;
  readonly row: HTMLElement;
  readonly read: (showIssue: (message: string) => void) => unknown;
}

function createControl({ control, initial }: InputField): Control {
  const row = createElement("div", "", "row");
  switch (control.kind) {
    case "switch": {
      const editable = createInputElement("checkbox");
      editable.checked = initial === true;
      row.append(editable);
      return { editable, row, read: () => editable.checked };
    }
    case "choice": {
      const { editable, read } = createChoice(control.choices, initial);
      row.append(editable);
      return { editable, row, read };
    }
    case "slider":
    case "number": {
      const editable = createInputElement(control.kind === "slider" ? "range" : "number");
      if (control.min !== undefined) editable.min = String(control.min);
      if (control.max !== undefined) editable.max = String(control.max);
      editable.step = String(control.step);
      editable.value = typeof initial === "number" ? String(initial) : editable.min;
      row.append(editable);
      if (control.kind === "slider") {
        const value = createElement("output", editable.value);
        editable.addEventListener("input", () => (value.textContent = editable.value));
        row.append(value);
      }
      return {
        editable,
        row,
        read: () => (editable.value === "" ? undefined : editable.valueAsNumber),
      };
    }
    case "text":
    case "password": {
      const editable = createInputElement(control.kind);
      if (control.kind === "password") editable.autocomplete = "off";
      editable.value = typeof initial === "string" ? initial : "";
      row.append(editable);
      return { editable, row, read: () => readText(editable, initial) };
    }
    case "paragraph": {
      const editable = createElement("textarea");
      editable.rows = 4;
      editable.value = typeof initial === "string" ? initial : "";
      row.append(editable);
      return { editable, row, read: () => readText(editable, initial) };
    }
    case "json": {
      const editable = createElement("textarea");
      editable.rows = 3;
      editable.spellcheck = false;
      editable.placeholder = "JSON";
      editable.value = initial === undefined ? "" : JSON.stringify(initial, undefined, 2);
      row.append(editable);
      return { editable, row, read: (showIssue) => readJson(editable.value, showIssue) };
    }
  }
}

function createChoice(
  choices: readonly unknown[],
  initial: unknown,
): { editable: HTMLSelectElement; read: () => unknown } {
  const editable = createElement("select");
  const chosen = choices.indexOf(initial);
  if (chosen === -1) {
    const none = createElement("option", "—");
    none.value = "";
    editable.append(none);
  }
  // The value is the index: choices may be numbers, booleans or null.
  choices.forEach((choice, index) => {
    const option = createElement(
      "option",
      typeof choice === "string" ? choice : JSON.stringify(choice),
    );
    option.value = String(index);
    editable.append(option);
  });
  editable.value = chosen === -1 ? "" : String(chosen);
  return {
    editable,
    read: () => (editable.value === "" ? undefined : choices[Number(editable.value)]),
  };
}

function createInputElement(type: string): HTMLInputElement {
  const input = createElement("input");
  input.type = type;
  return input;
}

/** An emptied text is a wish where it was filled before; one that never had anything is unset. */
function readText(
  editable: HTMLInputElement | HTMLTextAreaElement,
  initial: unknown,
): string | undefined {
  return editable.value === "" && typeof initial !== "string" ? undefined : editable.value;
}

function readJson(text: string, showIssue: (message: string) => void): unknown {
  if (text.trim() === "") return undefined;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    showIssue("This is no JSON yet.");
    return undefined;
  }
}

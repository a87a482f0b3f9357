/**
 * Finds an element of the page.
 *
 * @param id - Its id in `index.html`.
 * @param type - Its class, e.g. `HTMLButtonElement`.
 * @throws Error when the page has none of that class.
 */
export function findElement<Type extends Element>(id: string, type: new () => Type): Type {
  const element = document.getElementById(id);
  if (element instanceof type) return element;
  throw new Error(`The page has no ${type.name} with the id "${id}".`);
}

/**
 * Makes an element that holds a text. What comes from servers is never read as HTML.
 *
 * @param tag - Which element.
 * @param text - What it says.
 * @param className - Its class.
 */
export function createElement<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  text = "",
  className = "",
): HTMLElementTagNameMap[Tag] {
  const element = document.createElement(tag);
  element.textContent = text;
  if (className !== "") element.className = className;
  return element;
}

/** Adds an entry to a list, drops the oldest beyond `max`, and stays at the end if it was there. */
export function appendEntry(list: HTMLElement, entry: HTMLElement, max: number): void {
  const wasAtEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 24;
  list.append(entry);
  while (list.childElementCount > max) list.firstElementChild?.remove();
  if (wasAtEnd) list.scrollTop = list.scrollHeight;
}

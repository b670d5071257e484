/** Elements from data: whatever is text stays text. */

export type Child = Node | string | null | false;
type Handler = (event: never) => void;
type Attribute = string | number | boolean | null | undefined | Handler;

const SVG = "http://www.w3.org/2000/svg";

function fill<E extends Element>(element: E, attributes: Record<string, Attribute>, children: Child[]): E {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name.replace(/^on/, ""), value as EventListener);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, String(value));
  }
  element.append(...children.filter((child): child is Node | string => child !== null && child !== false));
  return element;
}

/** An element of HTML. Attributes that are functions listen: `onclick`. */
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Record<string, Attribute> = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  return fill(document.createElement(tag), attributes, children);
}

/** An element of SVG. */
export function s<K extends keyof SVGElementTagNameMap>(
  tag: K,
  attributes: Record<string, Attribute> = {},
  ...children: Child[]
): SVGElementTagNameMap[K] {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

/** Puts other children in place of those that are there, where they differ. */
export function show(parent: Element, ...children: Child[]): void {
  const wanted = children.filter((child): child is Node | string => child !== null && child !== false);
  parent.replaceChildren(...wanted);
}

/** Sets a text where it is another one: screen readers tell each change of a live region. */
export function say(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

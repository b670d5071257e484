/** A document for tests of what makes elements. */

import { JSDOM } from "jsdom";

export function giveDocument(): Document {
  const { window } = new JSDOM("<!doctype html><body></body>");
  Object.assign(globalThis, { document: window.document, window, Node: window.Node });
  return window.document;
}

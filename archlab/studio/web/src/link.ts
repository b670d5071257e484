/** A config in the fragment of a link: deflated, as base64url. A fragment never leaves the browser. */

import type { Config, Settings, Value } from "./protocol";

/** Characters of a fragment that are read at all, and of the text that may come out of it. */
export const MOST_ENCODED = 100_000;
export const MOST_DECODED = 1_000_000;
const PREFIX = "c1=";

export class LinkError extends Error {}

async function through(bytes: Uint8Array<ArrayBuffer>, stream: GenericTransformStream, most: number): Promise<Uint8Array<ArrayBuffer>> {
  const reader = new Blob([bytes]).stream().pipeThrough(stream as ReadableWritablePair<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>).getReader();
  const parts: Uint8Array<ArrayBuffer>[] = [];
  let size = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    size += value.length;
    if (size > most) {
      await reader.cancel();
      throw new LinkError("the link holds more than a config may be long");
    }
    parts.push(value);
  }
  const whole = new Uint8Array(size);
  parts.reduce((offset, part) => (whole.set(part, offset), offset + part.length), 0);
  return whole;
}

function base64url(bytes: Uint8Array): string {
  let text = "";
  for (let start = 0; start < bytes.length; start += 4096) text += String.fromCharCode(...bytes.subarray(start, start + 4096));
  return btoa(text).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

function fromBase64url(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (letter) => letter.charCodeAt(0));
}

/** The fragment of a config, without `#`. */
export async function encode(config: Config): Promise<string> {
  const parts = [config.text, config.variant, config.set] as const;
  const bytes = new TextEncoder().encode(JSON.stringify(parts));
  const fragment = PREFIX + base64url(await through(bytes, new CompressionStream("deflate-raw"), MOST_DECODED));
  if (fragment.length > MOST_ENCODED || bytes.length > MOST_DECODED) throw new LinkError("the config is too long for a link");
  return fragment;
}

function isValue(value: unknown): value is Value {
  return value === null || ["number", "string", "boolean"].includes(typeof value);
}

function settings(value: unknown): Settings {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new LinkError("the link holds no config");
  const entries = Object.entries(value);
  if (entries.length > 100 || !entries.every(([name, one]) => name.length <= 100 && isValue(one))) {
    throw new LinkError("the link holds params that cannot be read");
  }
  return Object.fromEntries(entries);
}

/** The config of a fragment; null where it holds none.
 *
 * @throws LinkError for one that is too long or damaged.
 */
export async function decode(fragment: string): Promise<Config | null> {
  const code = fragment.replace(/^#/, "");
  if (!code.startsWith(PREFIX)) return null;
  if (code.length > MOST_ENCODED) throw new LinkError("the link is too long to be read");
  try {
    const bytes = fromBase64url(code.slice(PREFIX.length));
    const whole = await through(bytes, new DecompressionStream("deflate-raw"), MOST_DECODED);
    const parts: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(whole));
    if (!Array.isArray(parts) || typeof parts[0] !== "string" || typeof parts[1] !== "string") {
      throw new LinkError("the link holds no config");
    }
    return { text: parts[0], variant: parts[1], set: settings(parts[2]) };
  } catch (error) {
    if (error instanceof LinkError) throw error;
    throw new LinkError("the link is damaged: it cannot be read");
  }
}

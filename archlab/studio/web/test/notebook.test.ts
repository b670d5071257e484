import { JSDOM } from "jsdom";
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { configOf, type Model, NotebookHost } from "../src/hosts/notebook";
import { contained, surroundingTheme } from "../src/surroundings";

type Message = { id: string; method: string; request: string };

class FakeModel implements Model {
  readonly sent: Message[] = [];
  readonly listeners = new Set<(content: unknown) => void>();

  constructor(readonly values: Record<string, unknown> = {}) {}

  get(name: string): unknown {
    return this.values[name];
  }

  set(name: string, value: unknown): void {
    this.values[name] = value;
  }

  save_changes(): void {}

  send(content: unknown): void {
    this.sent.push(content as Message);
  }

  on(event: string, listen: (content: unknown) => void): void {
    expect(event).toBe("msg:custom");
    this.listeners.add(listen);
  }

  off(_event: string, listen: (content: unknown) => void): void {
    this.listeners.delete(listen);
  }

  say(content: unknown): void {
    for (const listen of this.listeners) listen(content);
  }
}

describe("Python in a notebook's kernel", () => {
  it("answers calls by their ids, in any order", async () => {
    const model = new FakeModel();
    const host = new NotebookHost(model);
    await host.start();
    const [first, second] = [host.call("format", { text: "a" }), host.call("format", { text: "b" })];
    const [a, b] = model.sent;
    expect([a!.method, a!.request, b!.request]).toEqual(["format", '{"text":"a"}', '{"text":"b"}']);
    model.say({ id: b!.id, answer: '{"text": "B"}' });
    model.say({ id: a!.id, answer: '{"error": "no"}' });
    expect(await second).toEqual({ text: "B" });
    await expect(first).rejects.toThrow("no");
  });

  it("is told the answers of other views of the same model, and leaves them", async () => {
    const model = new FakeModel();
    const [one, other] = [new NotebookHost(model), new NotebookHost(model)];
    const [mine, others] = [one.call("format", { text: "a" }), other.call("format", { text: "b" })];
    const [a, b] = model.sent;
    expect(a!.id).not.toBe(b!.id);
    for (const odd of [null, "text", {}, { id: a!.id }, { id: 1, answer: "{}" }, { id: "0", answer: "{}" }]) model.say(odd);
    model.say({ id: b!.id, answer: '{"text": "B"}' });
    model.say({ id: a!.id, answer: '{"text": "A"}' });
    expect([await mine, await others]).toEqual([{ text: "A" }, { text: "B" }]);
  });

  it("goes on when it is stopped, its answer dropped", async () => {
    const model = new FakeModel();
    const host = new NotebookHost(model);
    const call = host.call("format", { text: "a" });
    await host.stop();
    await expect(call).rejects.toMatchObject({ isStopped: true });
    model.say({ id: model.sent[0]!.id, answer: '{"text": "late"}' });
    const next = host.call("format", { text: "b" });
    model.say({ id: model.sent[1]!.id, answer: '{"text": "B"}' });
    expect(await next).toEqual({ text: "B" });
  });

  it("is left when the view ends", async () => {
    const model = new FakeModel();
    const host = new NotebookHost(model);
    const call = host.call("format", { text: "a" });
    host.end();
    await expect(call).rejects.toMatchObject({ isStopped: true });
    await expect(host.call("format", { text: "b" })).rejects.toMatchObject({ isStopped: true });
    expect([model.listeners.size, model.sent.length]).toEqual([0, 1]);
  });

  it("begins with what the model holds", async () => {
    const model = new FakeModel({ text: "a: 1", variant: "wide", settings: { width: 4 } });
    const call = new NotebookHost(model).call("hello", {});
    model.say({ id: model.sent[0]!.id, answer: '{"version": "1", "file": null, "text": null, "variant": "", "writable": false, "presets": []}' });
    expect(await call).toMatchObject({ version: "1", text: "a: 1", variant: "wide", set: { width: 4 } });
    expect(configOf(new FakeModel())).toEqual({ text: "", variant: "", set: {} });
  });
});

describe("the notebook around a view", () => {
  it.each([
    ['<body data-jp-theme-light="true">', true, "light"],
    ['<body data-jp-theme-light="false">', false, "dark"],
    ['<body data-vscode-theme-kind="vscode-dark">', false, "dark"],
    ['<body data-vscode-theme-kind="vscode-high-contrast">', false, "dark"],
    ['<body data-vscode-theme-kind="vscode-light">', true, "light"],
    ['<body data-vscode-theme-kind="vscode-high-contrast-light">', true, "light"],
    ['<html theme="dark"><body>', false, "dark"],
    ["<body>", true, "dark"],
    ["<body>", false, "light"],
  ] as const)("%s where the system is dark: %s", (page, isDark, theme) => {
    expect(surroundingTheme(new JSDOM(page).window.document, isDark)).toBe(theme);
  });

  it("gives the style its width, and nothing else", () => {
    const css = readFileSync(new URL("../src/style.css", import.meta.url), "utf8");
    expect(contained(css)).not.toContain("@media(max-width");
    expect(contained(css).match(/@container /g)).toHaveLength(css.match(/@media\(max-width/g)!.length);
    expect(contained("@media (width<=60rem){a{}}@media (prefers-color-scheme:dark){a{}}")).toBe("@container (width<=60rem){a{}}@media (prefers-color-scheme:dark){a{}}");
  });
});

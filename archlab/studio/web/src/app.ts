/** The app as a whole: the editor and the panels over one store, and one host that answers. */

import type { Asked, Helper } from "./editor/help";
import { Editor } from "./editor/editor";
import { h } from "./dom";
import { Header } from "./header";
import { type Host, HostError } from "./hosts/host";
import { decode, encode } from "./link";
import { Latest } from "./latest";
import { Diagram } from "./panels/diagram";
import { Differences } from "./panels/difference";
import { LayerTable } from "./panels/layers";
import { Memory } from "./panels/memory";
import type { Actions } from "./panels/panel";
import { Params } from "./panels/params";
import { Presets } from "./panels/presets";
import { ProblemList } from "./panels/problems";
import { Receptive } from "./panels/receptive";
import { Tabs } from "./panels/tabs";
import { Totals } from "./panels/totals";
import type { Check, Config, Hello } from "./protocol";
import { Status } from "./status";
import { partChoice, storedParts } from "./parts";
import { isWhole, type State, Store } from "./store";
import type { Place } from "./place";
import type { Theme } from "./theme";
import { redrawn } from "./timing";

/** What the page starts with where no file and no link says otherwise. */
const FIRST = { name: "resnet", variant: "resnet50" };
/** Milliseconds: without a keystroke before anything is asked; until it may be stopped; until all variants are checked. */
const WAIT = 35;
const LONG = 3000;
const PAUSE = { http: 1000, pyodide: 3000, notebook: 1000 };

export class App implements Actions {
  private readonly store = new Store({
    config: { text: "", variant: "", set: {} }, check: null, good: null, shown: null, isStale: false, problems: [], kept: null, theme: "light",
  });
  private readonly helper: Helper = {
    complete: (text, at) => this.quiet("complete", text, at),
    hover: (text, at) => this.quiet("hover", text, at),
    definition: (text, at) => this.quiet("definition", text, at),
    format: (text) => this.formatted(text),
  };
  private readonly editor = new Editor(
    {
      changed: (text) => this.changed({ text }),
      moved: (line, numbers) => this.status.lineNumbers(line, numbers),
      save: () => void this.save(),
    },
    this.helper,
  );
  private readonly status = new Status(() => void this.stop());
  private readonly totals = new Totals();
  private readonly params = new Params(this);
  private readonly presets = new Presets(this);
  private readonly problems = new ProblemList((line, column) => this.editor.goTo(line, column), (fix) => this.editor.apply(fix));
  private readonly tabs: Tabs;
  private readonly header: Header;
  private readonly side: HTMLElement;
  private readonly checking: Latest<Config, Check>;
  private readonly validating: Latest<Config, Check>;
  private hello: Hello | null = null;
  private saved: string | null = null;
  private revision: string | null = null;
  private asked = 0;
  private long = 0;
  private isReady = false;
  private parts = storedParts();

  /** Listeners of the page, which go when the app does. */
  private readonly ended = new AbortController();

  constructor(
    private readonly host: Host,
    private readonly place: Place,
  ) {
    this.checking = new Latest((config) => this.ask(config), (check, config) => this.take(check, config), (error) => this.failed(error), WAIT);
    this.validating = new Latest(
      (config) => host.call("check", { ...config, validate: true }),
      (check) => this.takeProblems(check),
      () => {}, // the numbers are there already
      PAUSE[host.kind],
    );
    this.tabs = new Tabs([
      new LayerTable(this, async (config, from) => (await host.call("check", { ...config, rows_from: from })).layers ?? null),
      new Receptive(this, (request) => host.call("field_picture", request)),
      new Memory(this),
      new Diagram((request) => host.call("diagram", request)),
      new Differences(this, (request) => host.call("difference", request)),
      this.presets,
    ]);
    this.header = new Header(
      {
        choose: (variant) => this.choose({ variant }),
        keep: () => this.keep(),
        presets: () => this.tabs.showById("presets"),
        link: place.isPage ? () => this.link() : null,
        download: (kind) => void this.download(kind),
        save: () => void this.save(),
        format: () => this.editor.format(),
      },
      place.theme((theme) => this.themed(theme)),
      partChoice((parts) => {
        this.parts = parts;
        this.changed({});
      }),
    );
    this.side = h(
      "div",
      { class: "right", id: "panels", tabindex: -1, "aria-busy": "true" },
      this.totals.element, this.params.element, this.tabs.element,
    );
    place.root.append(
      h("a", { class: "skip-link", href: "#panels" }, "to the numbers"),
      this.header.element,
      h(
        "main",
        {},
        h("div", { class: "left" }, this.editor.element, this.problems.element),
        this.side,
      ),
      this.status.element,
    );
    place.root.querySelector<HTMLElement>(".skip-link")!.addEventListener("click", (event) => {
      event.preventDefault(); // the fragment of the address is the config's
      this.side.focus();
    });
    this.store.listen((state) => this.draw(state));
    if (place.isPage) this.listen();
    this.draw(this.store.get());
  }

  private listen(): void {
    const { signal } = this.ended;
    addEventListener("hashchange", () => void this.fromLink(), { signal });
    addEventListener(
      "beforeunload",
      (event) => {
        if (this.hello?.writable && this.isChanged) event.preventDefault();
      },
      { signal },
    );
  }

  // -- the start

  async run(): Promise<void> {
    this.status.progress("archlab is being started", null);
    const started = this.host.start(({ text, share }) => (share === 1 ? this.status.done() : this.status.progress(text, share)));
    started.catch(() => {}); // told below
    try {
      if (this.host.hello) await this.open(this.host.hello);
      await started;
      if (!this.hello) await this.open(await this.host.call("hello", {}));
      this.isReady = true;
      if (this.store.get().config.text === "") await this.first();
      this.checking.want(this.store.get().config, 0);
      this.status.done();
    } catch (error) {
      this.failed(error);
    }
  }

  private async open(hello: Hello): Promise<void> {
    this.hello = hello;
    this.presets.give(hello.presets);
    this.revision = hello.revision ?? null;
    if (hello.text !== null) {
      this.saved = hello.text;
      this.editor.replace(hello.text, true);
    }
    if (!(await this.fromLink()) && hello.text !== null) this.changed({ text: hello.text, variant: hello.variant ?? "", set: hello.set ?? {} });
    this.showFile();
  }

  private async first(): Promise<void> {
    const known = this.hello?.presets.some((preset) => preset.name === FIRST.name);
    if (!known) return;
    const { text } = await this.host.call("preset", FIRST);
    this.store.set({ config: { text, variant: FIRST.variant, set: {} } });
    this.editor.replace(text, true);
    this.tabs.showById("presets"); // this one is but an example
  }

  private async fromLink(): Promise<boolean> {
    if (!this.place.isPage) return false;
    try {
      const config = await decode(location.hash);
      if (!config) return false;
      this.store.set({ config });
      this.editor.replace(config.text);
      this.changed(config);
      return true;
    } catch (error) {
      this.status.say((error as Error).message, true);
      return false;
    }
  }

  /** Another config in place of the one that stands there, from outside. */
  show(config: Config): void {
    if (!this.isReady || JSON.stringify(config) === JSON.stringify(this.store.get().config)) return;
    this.store.set({ config });
    this.editor.replace(config.text, false, false);
    this.changed(config);
  }

  /** Nothing is asked or shown any more. */
  end(): void {
    this.ended.abort();
    this.checking.drop();
    this.validating.drop();
    clearTimeout(this.long);
    this.editor.end();
  }

  // -- what changes

  private changed(change: Partial<Config>): void {
    const config = { ...this.store.get().config, ...change };
    if (this.asked === 0) this.asked = performance.now();
    this.store.set({ config });
    this.showFile();
    this.validating.drop();
    this.side.setAttribute("aria-busy", "true");
    if (!this.isReady) return;
    this.checking.want(config);
    clearTimeout(this.long);
    this.long = window.setTimeout(() => this.checking.isBusy && this.status.waiting(true), LONG);
  }

  choose(change: Partial<Omit<Config, "text">>): void {
    this.changed(change);
  }

  goTo(line: number): void {
    this.editor.goTo(line);
  }

  private ask(config: Config): Promise<Check> {
    if (this.asked === 0) this.asked = performance.now();
    return this.host.call("check", { ...config, parts: this.parts });
  }

  private take(check: Check, config: Config): void {
    const [asked, answered] = [this.asked, performance.now()];
    this.asked = 0;
    this.calm();
    const [pruned, isGood] = [this.pruned(check, config), isWhole(check)];
    this.editor.showCheck(check, isGood);
    this.store.set({
      config: pruned, check, isStale: !isGood, problems: check.problems, ...(isWhole(check) ? { good: check, shown: pruned } : {}),
    });
    redrawn(asked, answered, (redraw) => this.status.times(check.timing?.analysis_ms, answered - asked, redraw));
    if (check.variants && check.variants.length > 1) this.validating.want(config);
  }

  /** Without the settings of params that the text has no more. */
  private pruned(check: Check, config: Config): Config {
    if (!check.params) return config;
    const names = new Set(check.params.map((param) => param.name));
    const kept = Object.entries(config.set).filter(([name]) => names.has(name));
    if (kept.length === Object.keys(config.set).length) return config;
    const pruned = { ...config, set: Object.fromEntries(kept) };
    this.checking.want(pruned, 0);
    return pruned;
  }

  /** The problems of all variants, a while after those of the one that is shown. */
  private takeProblems(check: Check): void {
    const before = JSON.stringify(this.store.get().problems);
    if (JSON.stringify(check.problems) === before) return; // what points at one stays open
    this.editor.showProblems(check.problems);
    this.store.set({ problems: check.problems });
  }

  private failed(error: unknown): void {
    this.asked = 0;
    this.calm();
    this.status.done();
    if (!(error instanceof HostError && error.isStopped)) this.status.say(error instanceof Error ? error.message : String(error), true);
    this.editor.showStale();
    this.store.set({ isStale: true });
  }

  private calm(): void {
    clearTimeout(this.long);
    this.side.setAttribute("aria-busy", "false");
    this.status.waiting(false);
    this.status.say("");
  }

  private async stop(): Promise<void> {
    try {
      await this.host.stop();
      this.status.done();
      this.status.say("It was stopped. Change the config to try again.");
    } catch (error) {
      this.failed(error);
    }
  }

  private draw(state: Readonly<State>): void {
    this.header.draw(state);
    this.totals.draw(state);
    this.params.draw(state);
    this.problems.draw(state.problems);
    this.tabs.draw(state);
    if (this.isReady) this.place.changed(state.config);
  }

  private themed(theme: Theme): void {
    this.editor.dark = theme === "dark";
    this.store.set({ theme });
  }

  // -- what is asked beside the numbers

  /** Help that nobody waits for: where there is none, nothing is shown. */
  private async quiet<M extends "complete" | "hover" | "definition">(method: M, text: string, at: Asked) {
    if (!this.isReady) return null;
    return this.host.call(method, { text, variant: this.store.get().config.variant, ...at }).catch(() => null);
  }

  private async formatted(text: string): Promise<string | null> {
    try {
      const answer = await this.host.call("format", { text });
      if (answer.text === null && answer.message) this.status.say(answer.message, true);
      return answer.text;
    } catch (error) {
      this.status.say((error as Error).message, true);
      return null;
    }
  }

  async begin(name: string, variant: string): Promise<void> {
    try {
      const answer = await this.host.call("preset", { name, variant });
      this.store.set({ config: { text: answer.text, variant: answer.variant ?? variant, set: {} } });
      this.editor.replace(answer.text);
      this.changed({});
      this.status.say(`${variant || name} is in the editor`);
    } catch (error) {
      this.status.say((error as Error).message, true);
    }
  }

  keep(): void {
    const { config, good, check } = this.store.get();
    this.store.set({ kept: { ...config, name: good?.name ?? check?.name ?? "" } });
    this.tabs.showById("difference");
    this.status.say("This version is kept");
  }

  private async link(): Promise<string> {
    const address = new URL(location.href);
    address.search = "";
    address.hash = await encode(this.store.get().config);
    return address.href;
  }

  private async download(kind: string): Promise<void> {
    this.status.say("the file is being made …");
    try {
      const { name, media_type: type, text } = await this.host.call("download", { ...this.store.get().config, kind });
      const address = URL.createObjectURL(new Blob([text], { type }));
      h("a", { href: address, download: name }).click();
      setTimeout(() => URL.revokeObjectURL(address), 10_000);
      this.status.say(`${name} is in your downloads`);
    } catch (error) {
      this.status.say((error as Error).message, true);
    }
  }

  // -- the file

  private get isChanged(): boolean {
    return this.saved !== null && this.store.get().config.text !== this.saved;
  }

  private showFile(): void {
    this.header.showFile(this.hello?.file ?? null, this.hello?.writable ?? false, this.isChanged);
  }

  private async save(): Promise<void> {
    if (!this.hello?.writable) {
      this.status.say("There is no file to save to: Download makes one.");
      return;
    }
    const { text } = this.store.get().config;
    try {
      const answer = await this.host.call("save", { text, revision: this.revision });
      this.revision = answer.revision ?? null;
      this.saved = text;
      this.showFile();
      this.status.say(`${answer.file ?? this.hello.file ?? "The file"} is saved`);
    } catch (error) {
      const text = (error as Error).message;
      if (error instanceof HostError && error.isChanged) this.status.offer(text, "Read the file again", () => void this.readAgain());
      else this.status.say(text, true);
    }
  }

  /** The file as it is now in place of the text; undo brings the text back. */
  private async readAgain(): Promise<void> {
    try {
      const hello = await this.host.call("hello", {});
      if (hello.text === null) return;
      [this.hello, this.saved, this.revision] = [hello, hello.text, hello.revision ?? null];
      this.editor.replace(hello.text);
      this.changed({ text: hello.text });
    } catch (error) {
      this.status.say((error as Error).message, true);
    }
  }
}

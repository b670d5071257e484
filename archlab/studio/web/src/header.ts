/** What can be done with the config as a whole: variant, keeping, link, files, keys. */

import { h, say, show } from "./dom";
import { popover } from "./popover";
import { isWhole, type State } from "./store";

export interface Commands {
  choose(variant: string): void;
  keep(): void;
  presets(): void;
  /** Null where there is no address that could hold a config. */
  link: (() => Promise<string>) | null;
  download(kind: string): void;
  save(): void;
  format(): void;
}

const FILES = [
  ["yaml", "config (.yaml)"],
  ["py", "PyTorch source (.py)"],
  ["report", "report"],
  ["md", "report (.md)"],
  ["csv", "layers (.csv)"],
  ["json", "all numbers (.json)"],
] as const;

const KEYS = [
  ["Escape, then Tab", "leave the editor (Tab alone indents)"],
  ["Ctrl+Space", "what can be written here"],
  ["Ctrl+K Ctrl+I", "what is known of the thing under the cursor"],
  ["F12, Ctrl+click", "go to where it is defined"],
  ["F8", "next problem"],
  ["Ctrl+.", "apply the first fix on this line"],
  ["Shift+Alt+F", "format"],
  ["Ctrl+F", "find and replace"],
  ["Ctrl+Z, Ctrl+Y", "undo, redo"],
  ["Ctrl+S", "save, where a file is open"],
  ["Arrow keys", "in tabs, in the table of layers, in pictures"],
] as const;

export class Header {
  private readonly variant = h("select", { id: "variant", onchange: () => this.commands.choose(this.variant.value) });
  private readonly variantLabel = h("label", { class: "choice" }, h("span", {}, "variant "), this.variant);
  private readonly address = h("input", { type: "text", readonly: true, id: "link-text", "aria-label": "link" });
  private readonly linkNote = h("p", { class: "note", role: "status" });
  private readonly saveButton = h("button", { type: "button", hidden: true, onclick: () => this.commands.save() }, "Save");
  private readonly file = h("span", { class: "file" });
  /** Whether there is a network without a variant: not where params have no value of their own. */
  private hasOwn = true;
  readonly element: HTMLElement;

  constructor(
    private readonly commands: Commands,
    theme: HTMLElement | null,
    parts: HTMLElement,
  ) {
    const files = popover(
      "files", "Download", () => {},
      ...FILES.map(([kind, label]) =>
        h("button", { type: "button", class: "item", onclick: () => (files.body.hidePopover(), commands.download(kind)) }, label),
      ),
    );
    const link = popover("link", "Link", () => void this.showLink(), this.address, this.linkNote);
    const hints = popover("hints", "Hints", () => {}, h("p", { class: "note" }, "Behind each line:"), parts);
    const keys = popover(
      "keys", "Keys", () => {},
      h("dl", { class: "keys" }, ...KEYS.map(([key, what]) => h("div", {}, h("dt", {}, h("kbd", {}, key)), h("dd", {}, what)))),
      h("p", { class: "note" }, "On a Mac: Command in place of Ctrl."),
    );
    const buttons = [
      h("button", { type: "button", onclick: () => commands.presets() }, "Start from …"),
      h("button", { type: "button", onclick: () => commands.keep(), title: "to see what later changes make of it" }, "Keep this version"),
      h("button", { type: "button", onclick: () => commands.format() }, "Format"),
      this.saveButton, files.button, link.button, hints.button, keys.button,
    ];
    link.button.hidden = commands.link === null;
    this.element = h(
      "header",
      {},
      h("h1", {}, "archlab ", h("span", {}, "studio")),
      this.file,
      this.variantLabel,
      h("div", { class: "buttons", role: "toolbar", "aria-label": "Config" }, ...buttons),
      theme,
      files.body, link.body, hints.body, keys.body,
    );
  }

  private async showLink(): Promise<void> {
    this.address.value = "";
    try {
      this.address.value = await this.commands.link!();
      this.address.select();
    } catch (error) {
      say(this.linkNote, (error as Error).message);
      return;
    }
    let copied = "";
    try {
      await navigator.clipboard.writeText(this.address.value);
      copied = "It has been copied. ";
    } catch {
      copied = "Copy it from here. ";
    }
    say(this.linkNote, `${copied}The config is in the link itself; nothing has been sent anywhere.`);
  }

  draw({ check, config }: Readonly<State>): void {
    const names = check?.variants ?? [];
    if (check && !isWhole(check) && !names.length) return; // nothing is known of a text that is no YAML
    this.variantLabel.hidden = names.length === 0;
    const shown = config.variant || check?.variant || "";
    const wanted = names.includes(shown) || shown === "" ? names : [shown, ...names];
    if (check && config.variant === "") this.hasOwn = check.variant === "";
    const options = this.hasOwn ? ["", ...wanted] : wanted;
    if (options.join("\n") !== [...this.variant.options].map(({ value }) => value).join("\n")) {
      show(this.variant, ...options.map((value) => h("option", { value }, value || "none")));
    }
    if (this.variant.value !== shown) this.variant.value = shown;
  }

  /** The file that is open, and whether the text is another one by now. */
  showFile(name: string | null, isWritable: boolean, isChanged: boolean): void {
    this.saveButton.hidden = !isWritable;
    this.saveButton.disabled = !isChanged;
    this.saveButton.title = name ? `write ${name}` : "";
    this.file.title = name ?? "";
    say(this.file, name ? `${name.split(/[\\/]/).at(-1)}${isChanged ? " (changed)" : ""}` : "");
  }
}

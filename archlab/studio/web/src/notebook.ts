/** A view in a notebook: what anywidget calls in JupyterLab, VS Code and other notebooks (https://anywidget.dev/en/afm/).
 *
 * Everything is in a shadow root, so that neither the notebook's styles nor those of another view reach it.
 */

import { App } from "./app";
import { h } from "./dom";
import { configOf, type Model, NotebookHost } from "./hosts/notebook";
import own from "./notebook.css?inline";
import page from "./style.css?inline";
import { contained, followTheme } from "./surroundings";

const TRAITS = ["text", "variant", "settings"] as const;

function render({ model, el }: { model: Model; el: HTMLElement }): () => void {
  const frame = h("div", { class: "archlab-view" });
  const shadow = frame.attachShadow({ mode: "open" });
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(contained(page + own));
  shadow.adoptedStyleSheets = [sheet];
  const root = h("div", { class: "studio" });
  shadow.append(root);

  const host = new NotebookHost(model);
  let unfollow = (): void => {};
  const app = new App(host, {
    root,
    isPage: false,
    theme(listen) {
      unfollow = followTheme((theme) => {
        frame.dataset["theme"] = theme;
        listen(theme);
      });
      return null;
    },
    changed({ text, variant, set }) {
      const given = { text, variant, settings: set };
      const differing = TRAITS.filter((name) => JSON.stringify(model.get(name)) !== JSON.stringify(given[name]));
      for (const name of differing) model.set(name, given[name]);
      if (differing.length) model.save_changes();
    },
  });

  const take = (): void => app.show(configOf(model));
  const size = (): void => void (frame.style.height = `${Number(model.get("height"))}px`);
  frame.style.cssText = "resize:vertical;overflow:hidden;min-height:200px;max-height:100vh";
  size();
  for (const name of TRAITS) model.on(`change:${name}`, take);
  model.on("change:height", size);
  // The keys are the view's own: neither JupyterLab (Lumino) nor VS Code, whose listener is the window's, takes them
  // for commands of the notebook.
  frame.dataset["lmSuppressShortcuts"] = "true";
  frame.addEventListener("keydown", (event) => event.stopPropagation());
  el.append(frame);
  void app.run();

  return () => {
    for (const name of TRAITS) model.off(`change:${name}`, take);
    model.off("change:height", size);
    unfollow();
    host.end();
    app.end();
    frame.remove();
  };
}

export default { render };

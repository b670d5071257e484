import "./style.css";
import { App } from "./app";
import { h } from "./dom";
import { chooseHost } from "./hosts/choose";

try {
  await new App(await chooseHost()).run();
} catch (error) {
  document.body.append(h("p", { class: "failed", role: "alert" }, error instanceof Error ? error.message : String(error)));
}

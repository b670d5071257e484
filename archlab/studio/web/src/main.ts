import "./style.css";
import { App } from "./app";
import { h } from "./dom";
import { chooseHost } from "./hosts/choose";
import { PAGE } from "./place";

try {
  await new App(await chooseHost(), PAGE).run();
} catch (error) {
  document.body.append(h("p", { class: "failed", role: "alert" }, error instanceof Error ? error.message : String(error)));
}

/** Which host this page has: `host.json` beside it says so. */

import type { Hello } from "../protocol";
import { type Host, HostError } from "./host";
import { HttpHost } from "./http";
import { PyodideHost } from "./pyodide";

interface Described {
  kind: "http" | "pyodide";
  pyodide?: string;
  wheels?: string[];
  hello?: Hello;
}

const STORED = "archlab-token";

/** The token of the address, which then leaves the address bar: links and history do not hold it. */
export function takeToken(): string {
  const address = new URL(location.href);
  const given = address.searchParams.get("token");
  if (given !== null) {
    address.searchParams.delete("token");
    history.replaceState(history.state, "", address);
  }
  try {
    if (given !== null) sessionStorage.setItem(STORED, given); // for when the page is loaded again
    return given ?? sessionStorage.getItem(STORED) ?? "";
  } catch {
    return given ?? "";
  }
}

/** An address of this origin only: a file that names another is not followed. */
function own(path: string): string {
  const address = new URL(path, document.baseURI);
  if (address.origin !== location.origin) throw new HostError("host.json names a file that is elsewhere");
  return address.href;
}

export async function chooseHost(): Promise<Host> {
  const token = takeToken();
  let described: Described;
  try {
    described = (await (await fetch("host.json", { cache: "no-store" })).json()) as Described;
  } catch {
    throw new HostError(
      location.protocol === "file:"
        ? "a page from a file may load nothing: serve this folder, as with python -m http.server"
        : "host.json is not beside this page: start it by archlab studio, or make a folder by archlab studio --export",
    );
  }
  if (described.kind === "http") return new HttpHost(token);
  const make = (): Worker => new Worker(new URL("./worker.ts", import.meta.url), { type: "module", name: "archlab" });
  return new PyodideHost(own(described.pyodide ?? "pyodide/"), (described.wheels ?? []).map(own), described.hello ?? null, make);
}

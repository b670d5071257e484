/** Python behind `archlab studio` on this machine. */

import type { Answer, Method, Request } from "../protocol";
import { type Host, HostError, opened } from "./host";

export const HEADER = "X-Archlab-Token";

export class HttpHost implements Host {
  readonly kind = "http";
  readonly hello = null;
  private readonly underWay = new Set<AbortController>();

  /**
   * @param token that the server wrote into the address of this page.
   * @param send is `fetch`, but for tests.
   */
  constructor(
    private readonly token: string,
    private readonly send: typeof fetch = (...given) => fetch(...given),
  ) {}

  async start(): Promise<void> {}

  async call<M extends Method>(method: M, request: Request<M>): Promise<Answer<M>> {
    const control = new AbortController();
    this.underWay.add(control);
    try {
      const response = await this.send(`api/${method}`, {
        method: "POST",
        headers: { "Content-Type": "application/json", [HEADER]: this.token },
        body: JSON.stringify(request),
        signal: control.signal,
        cache: "no-store",
        credentials: "omit",
        redirect: "error",
      });
      return opened(await this.read(response));
    } catch (error) {
      if (error instanceof HostError) throw error;
      if (control.signal.aborted) throw new HostError("stopped", true);
      throw new HostError("archlab studio does not answer: does it still run in the terminal?");
    } finally {
      this.underWay.delete(control);
    }
  }

  private async read(response: Response): Promise<unknown> {
    const text = await response.text();
    try {
      const answer: unknown = JSON.parse(text);
      if (response.ok || (typeof answer === "object" && answer !== null && "error" in answer)) return answer;
    } catch {
      // said below, by the status
    }
    if (response.status === 401 || response.status === 403) {
      throw new HostError("archlab studio does not know this page: open the address that it printed, with its token");
    }
    throw new HostError(`archlab studio answered with status ${response.status}`);
  }

  async stop(): Promise<void> {
    for (const control of this.underWay) control.abort();
  }
}

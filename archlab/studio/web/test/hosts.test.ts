import { describe, expect, it, vi } from "vitest";
import { HostError } from "../src/hosts/host";
import { HEADER, HttpHost } from "../src/hosts/http";
import type { FromWorker, ToWorker } from "../src/hosts/messages";
import { PyodideHost, type Workerlike } from "../src/hosts/pyodide";

const answered = (body: string, status = 200) => vi.fn<typeof fetch>(() => Promise.resolve(new Response(body, { status })));

describe("Python behind HTTP", () => {
  it("is asked by POST, the token in a header and nowhere else", async () => {
    const send = answered('{"text": "a"}');
    expect(await new HttpHost("secret", send).call("format", { text: "b" })).toEqual({ text: "a" });
    const [address, options] = send.mock.calls[0]!;
    expect([address, options!.method, options!.body]).toEqual(["api/format", "POST", '{"text":"b"}']);
    expect(options!.headers).toMatchObject({ [HEADER]: "secret", "Content-Type": "application/json" });
  });

  it.each([
    ['{"error": "there is no preset x"}', 200, /^there is no preset x$/],
    ['{"error": "that took too long"}', 504, /^that took too long$/],
    ["<html>", 403, /with its token/],
    ["", 500, /status 500/],
    ["not JSON", 200, /status 200/],
    ["null", 200, /cannot be read/],
  ])("whose answer is %j with status %d says so in words", async (body, status, words) => {
    await expect(new HttpHost("", answered(body, status)).call("format", { text: "" })).rejects.toThrow(words);
  });

  it("that does not answer says so", async () => {
    const host = new HttpHost("", vi.fn<typeof fetch>(() => Promise.reject(new TypeError("Failed to fetch"))));
    await expect(host.call("format", { text: "" })).rejects.toThrow(/still run/);
  });

  it("tells that a file has changed", async () => {
    const error = await new HttpHost("", answered('{"error": "x", "changed": true}')).call("format", { text: "" }).catch((one: unknown) => one);
    expect((error as HostError).isChanged).toBe(true);
  });

  it("can be stopped", async () => {
    const send: typeof fetch = (_address, options) =>
      new Promise((_resolve, reject) => options!.signal!.addEventListener("abort", () => reject(new DOMException("", "AbortError"))));
    const host = new HttpHost("", send);
    const call = host.call("format", { text: "" });
    void host.stop();
    await expect(call).rejects.toMatchObject({ isStopped: true });
  });
});

class FakeWorker implements Workerlike {
  static made: FakeWorker[] = [];
  onmessage: ((event: MessageEvent<FromWorker>) => void) | null = null;
  onerror: ((event: ErrorEvent) => void) | null = null;
  readonly got: ToWorker[] = [];
  isEnded = false;

  constructor() {
    FakeWorker.made.push(this);
  }

  postMessage(message: ToWorker): void {
    this.got.push(message);
  }

  terminate(): void {
    this.isEnded = true;
  }

  say(data: FromWorker): void {
    this.onmessage!({ data } as MessageEvent<FromWorker>);
  }
}

describe("Python in a worker", () => {
  const made = (): PyodideHost => {
    FakeWorker.made = [];
    return new PyodideHost("https://here/pyodide/", ["https://here/a.whl"], null, () => new FakeWorker());
  };
  const settle = (): Promise<void> => new Promise((resolve) => setTimeout(resolve));

  it("answers calls by their number, once it is ready", async () => {
    const host = made();
    const told: string[] = [];
    const start = host.start(({ text }) => told.push(text));
    const worker = FakeWorker.made[0]!;
    expect(worker.got).toEqual([{ kind: "start", pyodide: "https://here/pyodide/", wheels: ["https://here/a.whl"] }]);
    const [first, second] = [host.call("format", { text: "a" }), host.call("format", { text: "b" })];
    await settle();
    expect(worker.got).toHaveLength(1);
    worker.say({ kind: "progress", text: "loading", share: 0.5 });
    worker.say({ kind: "ready" });
    await start;
    await settle();
    expect(worker.got.slice(1)).toEqual([
      { kind: "call", id: 0, method: "format", request: '{"text":"a"}' },
      { kind: "call", id: 1, method: "format", request: '{"text":"b"}' },
    ]);
    worker.say({ kind: "answer", id: 1, answer: '{"text": "B"}' });
    worker.say({ kind: "answer", id: 0, answer: '{"error": "no"}' });
    expect(await second).toEqual({ text: "B" });
    await expect(first).rejects.toThrow("no");
    expect(told).toEqual(["loading"]);
  });

  it("says why it did not start", async () => {
    const host = made();
    const start = host.start(() => {});
    FakeWorker.made[0]!.say({ kind: "failed", message: "a.whl is not there" });
    await expect(start).rejects.toThrow(/a\.whl is not there/);
    await expect(host.call("format", { text: "" })).rejects.toThrow(/a\.whl is not there/);
  });

  it("is ended and started again to stop it", async () => {
    const host = made();
    const start = host.start(() => {});
    FakeWorker.made[0]!.say({ kind: "ready" });
    await start;
    const hung = host.call("format", { text: "a" });
    await settle();
    const stopped = host.stop();
    await expect(hung).rejects.toMatchObject({ isStopped: true });
    expect(FakeWorker.made.map(({ isEnded }) => isEnded)).toEqual([true, false]);
    const next = host.call("format", { text: "b" });
    FakeWorker.made[1]!.say({ kind: "ready" });
    await stopped;
    await settle();
    FakeWorker.made[1]!.say({ kind: "answer", id: 1, answer: '{"text": "B"}' });
    expect(await next).toEqual({ text: "B" });
  });
});

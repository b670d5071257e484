import { beforeEach, describe, expect, it } from "vitest";
import { Latest, type Timers } from "../src/latest";

/** Time that goes on when it is told to. */
class Clock implements Timers {
  private now = 0;
  private timers = new Map<number, { at: number; run: () => void }>();
  private next = 1;

  set(run: () => void, milliseconds: number): unknown {
    this.timers.set(this.next, { at: this.now + milliseconds, run });
    return this.next++;
  }

  clear(timer: unknown): void {
    this.timers.delete(timer as number);
  }

  async pass(milliseconds: number): Promise<void> {
    this.now += milliseconds;
    for (const [id, { at, run }] of [...this.timers]) {
      if (at > this.now) continue;
      this.timers.delete(id);
      run();
    }
    for (let turn = 0; turn < 8; turn++) await Promise.resolve();
  }
}

describe("of requests", () => {
  let clock: Clock;
  let asked: string[];
  let taken: string[];
  let failed: unknown[];
  let pending: { resolve(answer: string): void; reject(error: Error): void }[];
  let latest: Latest<string, string>;

  beforeEach(() => {
    clock = new Clock();
    [asked, taken, failed, pending] = [[], [], [], []];
    const ask = (request: string): Promise<string> => {
      asked.push(request);
      return new Promise((resolve, reject) => pending.push({ resolve, reject }));
    };
    latest = new Latest(ask, (answer) => taken.push(answer), (error) => failed.push(error), 40, clock);
  });

  it("only the last of quick ones is asked", async () => {
    for (const text of ["a", "ab", "abc"]) {
      latest.want(text);
      await clock.pass(20);
    }
    expect(asked).toEqual([]);
    await clock.pass(40);
    expect(asked).toEqual(["abc"]);
    pending[0]!.resolve("ABC");
    await clock.pass(0);
    expect(taken).toEqual(["ABC"]);
    expect(latest.isBusy).toBe(false);
  });

  it("one is under way, and the next waits for it", async () => {
    latest.want("a");
    await clock.pass(40);
    latest.want("b");
    await clock.pass(100);
    latest.want("c");
    await clock.pass(100);
    expect(asked).toEqual(["a"]);
    expect(latest.isBusy).toBe(true);
    pending[0]!.resolve("A");
    await clock.pass(0);
    expect(asked).toEqual(["a", "c"]);
    pending[1]!.resolve("C");
    await clock.pass(0);
    expect(taken).toEqual(["C"]); // that of `a` was stale
  });

  it("an answer that comes while the next is typed is dropped", async () => {
    latest.want("a");
    await clock.pass(40);
    latest.want("b");
    pending[0]!.resolve("A");
    await clock.pass(0);
    expect(taken).toEqual([]);
    await clock.pass(40);
    pending[1]!.resolve("B");
    await clock.pass(0);
    expect(taken).toEqual(["B"]);
  });

  it("what fails is told, unless it is stale, and the next is asked all the same", async () => {
    latest.want("a");
    await clock.pass(40);
    pending[0]!.reject(new Error("no"));
    await clock.pass(0);
    expect(failed).toHaveLength(1);
    latest.want("b");
    await clock.pass(40);
    latest.want("c");
    pending[1]!.reject(new Error("no"));
    await clock.pass(40);
    expect(failed).toHaveLength(1);
    pending[2]!.resolve("C");
    await clock.pass(0);
    expect(taken).toEqual(["C"]);
  });

  it("those that are dropped are neither asked nor taken", async () => {
    latest.want("a");
    await clock.pass(40);
    latest.want("b");
    latest.drop();
    await clock.pass(100);
    pending[0]!.resolve("A");
    await clock.pass(100);
    expect([asked, taken]).toEqual([["a"], []]);
  });
});

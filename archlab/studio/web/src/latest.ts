/** Requests of which only the newest counts: a short wait for more, one under way, stale answers dropped. */

export interface Timers {
  set(run: () => void, milliseconds: number): unknown;
  clear(timer: unknown): void;
}

const BROWSER: Timers = {
  set: (run, milliseconds) => setTimeout(run, milliseconds),
  clear: (timer) => clearTimeout(timer as number),
};

export class Latest<Q, A> {
  private wanted: { request: Q } | null = null;
  private timer: unknown = null;
  private underWay = false;
  private generation = 0;

  /**
   * @param ask what is asked.
   * @param take is given the answer, if nothing newer has been wanted meanwhile.
   * @param fail is given what went wrong, on the same condition.
   * @param wait milliseconds without another wish before anything is asked.
   */
  constructor(
    private readonly ask: (request: Q) => Promise<A>,
    private readonly take: (answer: A, request: Q) => void,
    private readonly fail: (error: unknown, request: Q) => void,
    private readonly wait = 40,
    private readonly timers: Timers = BROWSER,
  ) {}

  get isBusy(): boolean {
    return this.underWay || this.wanted !== null;
  }

  /** Asks soon, unless something newer is wanted before. */
  want(request: Q, wait = this.wait): void {
    this.generation += 1;
    this.wanted = { request };
    if (this.timer !== null) this.timers.clear(this.timer);
    this.timer = this.timers.set(() => {
      this.timer = null;
      void this.next();
    }, wait);
  }

  /** Nothing that was wanted counts any more. */
  drop(): void {
    this.generation += 1;
    this.wanted = null;
    if (this.timer !== null) this.timers.clear(this.timer);
    this.timer = null;
  }

  private async next(): Promise<void> {
    if (this.underWay || this.wanted === null || this.timer !== null) return;
    const [{ request }, generation] = [this.wanted, this.generation];
    this.wanted = null;
    this.underWay = true;
    try {
      const answer = await this.ask(request);
      if (generation === this.generation) this.take(answer, request);
    } catch (error) {
      if (generation === this.generation) this.fail(error, request);
    } finally {
      this.underWay = false;
    }
    await this.next();
  }
}

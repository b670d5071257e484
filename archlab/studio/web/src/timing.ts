/** How long it takes from a keystroke until its numbers are on the screen; also for `performance.getEntriesByName`. */

export const ANSWER = "archlab:answer";
export const REDRAW = "archlab:redraw";
const MOST = 2000;

/** Waits until what has been changed is painted, and tells how long that took since the answer. */
export function redrawn(asked: number, answered: number, tell: (milliseconds: number) => void): void {
  requestAnimationFrame(() =>
    setTimeout(() => {
      const now = performance.now();
      if (performance.getEntriesByName(ANSWER).length > MOST) performance.clearMeasures();
      performance.measure(ANSWER, { start: asked, end: answered });
      performance.measure(REDRAW, { start: answered, end: now });
      tell(now - answered);
    }),
  );
}

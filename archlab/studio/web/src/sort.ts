/** Rows of a table in another order. */

import type { Row } from "./protocol";

export type Direction = "ascending" | "descending";

export interface Order {
  /** Of the cells; -1 is the name, null the network's own order. */
  column: number | null;
  direction: Direction;
}

/** The order after a click on a heading: ascending, descending, the network's own again. */
export function turned(order: Order, column: number): Order {
  if (order.column !== column) return { column, direction: "ascending" };
  if (order.direction === "ascending") return { column, direction: "descending" };
  return { column: null, direction: "ascending" };
}

/** The rows' indices in an order; equal values keep theirs, absent ones come last. */
export function sorted(rows: readonly Row[], order: Order): number[] {
  const indices = rows.map((_, index) => index);
  const { column } = order;
  if (column === null) return indices;
  const value = (index: number): number | string | null =>
    column < 0 ? rows[index]!.name : (rows[index]!.cells[column]?.value ?? null);
  const sign = order.direction === "ascending" ? 1 : -1;
  return indices.sort((a, b) => {
    const [x, y] = [value(a), value(b)];
    if (x === null || y === null) return Number(x === null) - Number(y === null);
    if (typeof x === "number" && typeof y === "number") return sign * (x - y);
    return sign * String(x).localeCompare(String(y), "en", { numeric: true });
  });
}

/** Axes of pictures: where ticks stand, and which point a value has. */

/** Round numbers from 0 to at least `most`, `count` of them or a few more. */
export function ticks(most: number, count = 5, base = 10): number[] {
  if (!(most > 0) || !Number.isFinite(most)) return [0, 1];
  const rough = most / count;
  const power = base ** Math.floor(Math.log(rough) / Math.log(base) + 1e-9);
  const steps = base === 10 ? [1, 2, 5, 10] : [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024];
  const step = power * (steps.find((one) => one * power >= rough * 0.999999) ?? base);
  const found: number[] = [];
  for (let value = 0; found.length < 2 || found.at(-1)! < most * 0.999999; value += step) found.push(value);
  return found;
}

export interface Scale {
  (value: number): number;
  readonly from: readonly [number, number];
}

/** From values to points; a domain without extent lies in the middle. */
export function linear(from: readonly [number, number], to: readonly [number, number]): Scale {
  const extent = from[1] - from[0];
  const scale = (value: number): number =>
    extent === 0 ? (to[0] + to[1]) / 2 : to[0] + ((value - from[0]) / extent) * (to[1] - to[0]);
  return Object.assign(scale, { from });
}

/** Of many values those that make a difference at this width: the lowest and highest of each stretch, in order. */
export function thinned(values: readonly number[], most: number): number[] {
  if (values.length <= most) return values.map((_, index) => index);
  const kept = new Set<number>([0, values.length - 1]);
  const stretches = Math.max(1, Math.floor(most / 2));
  for (let part = 0; part < stretches; part++) {
    const [start, stop] = [part, part + 1].map((one) => Math.floor((one * values.length) / stretches)) as [number, number];
    let [low, high] = [start, start];
    for (let index = start; index < stop; index++) {
      if (values[index]! < values[low]!) low = index;
      if (values[index]! > values[high]!) high = index;
    }
    kept.add(low).add(high);
  }
  return [...kept].sort((a, b) => a - b);
}

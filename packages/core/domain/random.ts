/** A source of numbers 0 ≤ n < 1. */
export type Random = () => number;

/** A seeded generator (mulberry32): the same seed produces the same numbers. Not for secrets. */
export const seededRandom = (seed: number): Random => {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
};

/** The numbers below `count`, in random order (Fisher-Yates). */
export const shuffled = (count: number, random: Random): number[] => {
  const numbers = Array.from({ length: count }, (_, index) => index);
  for (let last = count - 1; last > 0; last -= 1) {
    const other = Math.floor(random() * (last + 1));
    [numbers[last], numbers[other]] = [numbers[other] as number, numbers[last] as number];
  }
  return numbers;
};

/** Whether to count an event if a random one in `weight` is counted for all of them. A weight of 1 draws no number. */
export const isSampled = (weight: number, random: Random): boolean => weight <= 1 || random() * weight < 1;

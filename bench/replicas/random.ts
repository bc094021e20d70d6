/** Numbers 0 ≤ x < 1 that depend on nothing but the seed (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** One of them, each as likely as its weight says; `undefined` when there is none. */
export function oneOf<T>(random: () => number, all: readonly T[], weightOf: (one: T) => number = () => 1) {
  let at = random() * all.reduce((sum, one) => sum + weightOf(one), 0);
  for (const one of all) {
    at -= weightOf(one);
    if (at < 0) return one;
  }
  return all.at(-1);
}

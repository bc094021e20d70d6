import type { KubeObject } from '../kube/index.ts';

/** Versions that are remembered: a watch that lags shows those of before. */
const MOST = 4;

/**
 * Tells the operator's own writes of an object from those of others when the watch shows them, which can be before the
 * write is answered.
 */
export class OwnWrites {
  readonly #versions: string[] = [];
  #underWay = 0;
  /** Shown while a write was under way. */
  readonly #undecided = new Set<string>();

  /** Whether a version came to be by the operator's own write. While one is under way it is taken for that. */
  has(version: string): boolean {
    if (this.#versions.includes(version)) return true;
    if (this.#underWay === 0) return false;
    this.#undecided.add(version);
    return true;
  }

  /**
   * Writes an object as it was read, so that nothing of others comes with its new version.
   *
   * @param onOthers called when somebody else's version was taken for the operator's own meanwhile
   * @throws what `send` throws
   */
  async carryOut<T extends KubeObject>(send: () => Promise<T>, onOthers: () => void): Promise<T> {
    this.#underWay += 1;
    try {
      const written = await send();
      this.#versions.push(written.metadata.resourceVersion);
      if (this.#versions.length > MOST) this.#versions.shift();
      return written;
    } finally {
      this.#underWay -= 1;
      const hasOthers = this.#undecided.values().some((version) => !this.#versions.includes(version));
      this.#undecided.clear();
      if (hasOthers) onOthers();
    }
  }
}

/**
 * A heap of keyed items: the smallest is at hand, and any item can be replaced or taken out by its key. Every
 * operation takes O(log n).
 */
export class KeyedHeap<T> {
  readonly #less: (a: T, b: T) => boolean;
  readonly #entries: { key: string; item: T }[] = [];
  readonly #positions = new Map<string, number>();

  /** @param less whether `a` comes before `b` */
  constructor(less: (a: T, b: T) => boolean) {
    this.#less = less;
  }

  get size(): number {
    return this.#entries.length;
  }

  get(key: string): T | undefined {
    const position = this.#positions.get(key);
    return position === undefined ? undefined : this.#entries[position]?.item;
  }

  /** Adds an item, or replaces the one of that key. */
  set(key: string, item: T): void {
    const position = this.#positions.get(key) ?? this.#entries.length;
    this.#put(position, { key, item });
    this.#settle(position);
  }

  /** The smallest item and its key. */
  peek(): { readonly key: string; readonly item: T } | undefined {
    return this.#entries[0];
  }

  /** Takes out the smallest item. */
  pop(): { readonly key: string; readonly item: T } | undefined {
    const first = this.#entries[0];
    if (first !== undefined) this.delete(first.key);
    return first;
  }

  /** Takes out the item of a key; whether there was one. */
  delete(key: string): boolean {
    const position = this.#positions.get(key);
    if (position === undefined) return false;
    this.#positions.delete(key);
    const last = this.#entries.pop();
    if (last !== undefined && last.key !== key) {
      this.#put(position, last);
      this.#settle(position);
    }
    return true;
  }

  clear(): void {
    this.#entries.length = 0;
    this.#positions.clear();
  }

  #put(position: number, entry: { key: string; item: T }): void {
    this.#entries[position] = entry;
    this.#positions.set(entry.key, position);
  }

  /** Moves the entry at `position` up or down to where it belongs. */
  #settle(position: number): void {
    const entry = this.#entries[position];
    if (entry === undefined) return;
    let at = position;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = this.#entries[parent];
      if (above === undefined || !this.#less(entry.item, above.item)) break;
      this.#put(at, above);
      at = parent;
    }
    for (;;) {
      const child = this.#smallerChild(at);
      const below = this.#entries[child];
      if (below === undefined || !this.#less(below.item, entry.item)) break;
      this.#put(at, below);
      at = child;
    }
    this.#put(at, entry);
  }

  #smallerChild(parent: number): number {
    const left = 2 * parent + 1;
    const a = this.#entries[left];
    const b = this.#entries[left + 1];
    return a !== undefined && b !== undefined && this.#less(b.item, a.item) ? left + 1 : left;
  }
}

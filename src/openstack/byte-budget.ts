/** What one answer holds of a {@link ByteBudget}. */
export interface ByteShare {
  /** Counts bytes that have arrived. When all shares together hold too much, the largest is evicted: perhaps this one. */
  add(bytes: number): void;
  /** Gives back what it holds. */
  close(): void;
}

interface Holder extends ByteShare {
  bytes: number;
  evict: () => void;
}

/**
 * Bounds how many bytes of answers are held at once by all connections that share it. It is the largest answer that
 * has to go, so that those who send much, or much slowly, can't keep small answers of others from being read.
 */
export class ByteBudget {
  readonly #limit: number;
  readonly #holders = new Set<Holder>();
  #used = 0;

  /** @param limit in bytes */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Bytes held now. */
  get used(): number {
    return this.#used;
  }

  /** @param evict told, once, to let go of all that the share holds; the share is closed then. */
  open(evict: () => void): ByteShare {
    const close = (): void => {
      if (!this.#holders.delete(holder)) return;
      this.#used -= holder.bytes;
    };
    const holder: Holder = {
      bytes: 0,
      evict,
      close,
      add: (bytes) => {
        if (!this.#holders.has(holder)) return;
        holder.bytes += bytes;
        this.#used += bytes;
        while (this.#used > this.#limit) this.#evictLargest(holder);
      },
    };
    this.#holders.add(holder);
    return holder;
  }

  #evictLargest(asking: Holder): void {
    let largest = asking;
    for (const holder of this.#holders) if (holder.bytes > largest.bytes) largest = holder;
    largest.close();
    largest.evict();
  }
}

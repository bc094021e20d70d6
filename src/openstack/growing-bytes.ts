/**
 * Bytes of a body as they arrive, which end with `using`. Their memory is given back at once, and not when garbage is
 * collected: that is late, and bodies of many megabytes may follow each other meanwhile.
 */
export class GrowingBytes {
  #buffer = new ArrayBuffer(0);
  #size = 0;

  /** How many there are. */
  get size(): number {
    return this.#size;
  }

  /** Bytes of memory that are held for them. */
  get held(): number {
    return this.#buffer.byteLength;
  }

  /** Takes a copy: a chunk of one byte, kept as it is, would hold the whole buffer that it was read into. */
  add(chunk: Uint8Array): void {
    const size = this.#size + chunk.length;
    if (size > this.held) this.#buffer = this.#buffer.transfer(Math.max(size, 2 * this.held));
    new Uint8Array(this.#buffer).set(chunk, this.#size);
    this.#size = size;
  }

  /** The text that they are in UTF-8. */
  toString(): string {
    return Buffer.from(this.#buffer, 0, this.#size).toString('utf8');
  }

  [Symbol.dispose](): void {
    this.#buffer = this.#buffer.transfer(0);
    this.#size = 0;
  }
}

import type { Clock } from '../kube/index.ts';
import type { Stack } from '../openstack/index.ts';

/** Settings of a {@link ReadAhead}. */
export interface ReadAheadOptions {
  clock: Clock;
  /** Ends all waiting. */
  signal: AbortSignal;
}

/** A look that is expected. */
interface Expected {
  /** The version of the object that will look. */
  of: string;
  kept?: Kept;
}

/** What was read for it, or is being read. */
interface Kept {
  /** When Heat was asked, in ms. */
  askedAt: number;
  /** Nothing when the stack wasn't among the rows, or there were none. */
  row: Promise<Stack | undefined>;
}

type Rows = ReadonlyMap<string, Stack> | undefined;

/** How long a row is of use, in ms; from when Heat was asked for it. */
const KEPT_MS = 3_000;
/** Rows that are kept at most: two requests full of them. */
const MOST_KEPT = 100;
/** So many more are read than twice as many as were of use lately: what isn't looked at in time was read in vain. */
const FEW = 10;

/**
 * Stacks whose objects changed and wait for a worker, and what lists of others found of them meanwhile. Each row serves
 * one look.
 *
 * Such a look is one that was made when the object changed, by a worker that was slow then; it tells nothing else than
 * any look before a write:
 * - Its row was asked for after the newest change of the object's spec that the reconcile knows, or its deletion; what
 *   annotations ask for that depends on the stack is looked at anew. So whoever hands a stack over
 *   to another object, and deletes this one when that is Ready, loses nothing.
 * - The operator didn't write to the stack since: that drops the row, and so does whatever else says that the stack isn't
 *   at rest as the row may show it (see {@link forget}).
 * - Other clients can write between any look and what follows from it. Heat then refuses an update of a stack that is
 *   deleted or suspended, and carries it out on top of another update; the tags and the digest tell afterwards whose
 *   inputs it has. A few seconds make that likelier, but no other than it was.
 * - A stack that is gone stays gone.
 */
export class ReadAhead {
  readonly #options: ReadAheadOptions;
  /** By stack; those that wait the longest, which are looked at next, come first. */
  readonly #expected = new Map<string, Expected>();
  /** How many rows were of use since the last list. */
  #used = 0;

  constructor(options: ReadAheadOptions) {
    this.#options = options;
  }

  /**
   * Expects a look at a stack. Whoever calls this sees to it that all are forgotten some time.
   *
   * @param of the version of the object that will look: what was read for another one is of no use to it
   */
  expect(id: string, of: string): void {
    const expected = this.#expected.get(id);
    if (!expected) this.#expected.set(id, { of });
    else {
      expected.of = of;
      delete expected.kept;
    }
  }

  /** Takes what was read for a look, which is not expected any more; `undefined` when there is nothing that it may use. */
  take(id: string, of: string): Pick<Kept, 'row'> | undefined {
    const expected = this.#expected.get(id);
    this.forget(id);
    if (expected?.of !== of || !expected.kept || !this.#isFresh(expected.kept)) return undefined;
    this.#used += 1;
    return expected.kept;
  }

  /** What is known of a stack, or is being read, is of no use any more. */
  forget(id: string): void {
    this.#expected.delete(id);
  }

  /** Ids that the next list may take along. */
  next(most: number): string[] {
    const count = Math.min(most, 2 * this.#used + FEW);
    const ids: string[] = [];
    let kept = 0;
    for (const [id, expected] of this.#expected) {
      if (ids.length >= count || kept + ids.length >= MOST_KEPT) break;
      if (expected.kept && this.#isFresh(expected.kept)) kept += 1;
      else ids.push(id);
    }
    return ids;
  }

  /** Keeps the rows of a list that was asked for now. */
  keep(ids: readonly string[], rows: Promise<Rows>): void {
    const askedAt = this.#options.clock.now();
    this.#used = 0;
    for (const id of ids) {
      const expected = this.#expected.get(id);
      if (expected) expected.kept = { askedAt, row: rowOf(id, rows) };
    }
    if (ids.length > 0) void this.#dropLater(ids);
  }

  clear(): void {
    this.#expected.clear();
  }

  #isFresh({ askedAt }: Kept): boolean {
    return this.#options.clock.now() - askedAt < KEPT_MS;
  }

  /** The looks are still expected then. */
  async #dropLater(ids: readonly string[]): Promise<void> {
    const { clock, signal } = this.#options;
    await clock.sleep(KEPT_MS, signal).catch(() => undefined);
    for (const id of ids) {
      const expected = this.#expected.get(id);
      if (expected?.kept && !this.#isFresh(expected.kept)) delete expected.kept;
    }
  }
}

async function rowOf(id: string, rows: Promise<Rows>): Promise<Stack | undefined> {
  try {
    return (await rows)?.get(id);
  } catch {
    // Whoever asked for the list is told; a look then asks by itself.
    return undefined;
  }
}

import { type KubeClient, LEASES, type Lease } from '../../src/kube/index.ts';
import { follow } from '../operator/follow.ts';
import type { Tenure } from './tenures.ts';

/** Watches who holds the Leases of a namespace. */
export class LeaseWatch {
  /** In the order in which they began; their holders are identities. */
  readonly tenures: Tenure[] = [];
  readonly #holders = new Map<string, string>();
  readonly #watch: Promise<void>;

  private constructor(watch: (note: (lease: Lease) => void) => Promise<void>) {
    this.#watch = watch((lease) => this.#note(lease));
    this.#watch.catch(() => undefined);
  }

  static async start(client: KubeClient, namespace: string, signal: AbortSignal): Promise<LeaseWatch> {
    const { items, resourceVersion } = await client.list<Lease>(LEASES, { namespace, signal });
    const watch = new LeaseWatch((note) =>
      follow<Lease>(client, LEASES, { namespace, resourceVersion, signal }, note),
    );
    for (const lease of items) watch.#note(lease);
    return watch;
  }

  /** Who holds a Lease; `undefined` when nobody does. */
  holderOf(lease: string): string | undefined {
    return this.#holders.get(lease) || undefined;
  }

  /** Rejects when it can't be watched any more; resolves when the signal is aborted. */
  async ended(): Promise<void> {
    await this.#watch;
  }

  #note({ metadata: { name }, spec }: Lease): void {
    const { holderIdentity: holder = '', acquireTime } = spec;
    if (this.#holders.get(name) === holder) return;
    this.#holders.set(name, holder);
    const seenAt = Date.now();
    const acquiredAt = acquireTime === undefined ? seenAt : Date.parse(acquireTime);
    this.tenures.push({ lease: name, holder, acquiredAt, seenAt });
  }
}

import type { HeatStackSpec } from '../api/heat-stack.ts';
import { Recent } from '../kube/index.ts';
import type { CloudConfig } from '../openstack/index.ts';

/** Enough for the Secrets of a large cluster; one more is read again. */
const MOST = 1_000;
/** Credentials that nobody uses shouldn't stay in memory. */
const KEPT_MS = 10 * 60_000;

/** A cloud as a Secret tells of it. */
export interface KnownCloud {
  /** Of the Secret. */
  uid: string;
  cloud: CloudConfig;
}

/** The clouds that were read from Secrets lately, so that a Secret which is as it was needn't be read for each reconcile. */
export class KnownClouds {
  readonly #clouds = new Recent<KnownCloud>(MOST, KEPT_MS);

  /** @param version of the Secret (`uid/resourceVersion`), as the watch has it now */
  get(version: string, reference: HeatStackSpec['cloudCredentialsRef'], now: number): KnownCloud | undefined {
    return this.#clouds.get(nameOf(version, reference), now);
  }

  /** @param version of the Secret (`uid/resourceVersion`) that was read */
  set(
    version: string,
    reference: HeatStackSpec['cloudCredentialsRef'],
    known: KnownCloud,
    now: number,
  ): void {
    this.#clouds.set(nameOf(version, reference), known, now);
  }
}

/** A version is of one Secret only. */
function nameOf(
  version: string,
  { cloudName, regionName = '' }: HeatStackSpec['cloudCredentialsRef'],
): string {
  return JSON.stringify([version, cloudName, regionName]);
}

import type { HeatStackStatus } from '../api/heat-stack.ts';
import type { Digester, OwnershipClaim } from './digest.ts';
import type { CloudConnection } from './heat-client.ts';

/** Whether a stack id in a status is the object's own, in the cloud that the credentials lead to. */
export class Ownership {
  readonly #digester: Digester;
  readonly #uid: string;

  /** @param uid of the HeatStack */
  constructor(digester: Digester, uid: string) {
    this.#digester = digester;
    this.#uid = uid;
  }

  /** Whether the operator wrote this id, for this object and this very cloud. */
  proves({ cloud }: CloudConnection, { id, ownership }: Pick<HeatStackStatus, 'id' | 'ownership'>): boolean {
    return id !== undefined && this.#digester.owns(this.#claim(cloud, id), ownership);
  }

  /** What is written beside an id, to prove it later. */
  proof({ cloud }: CloudConnection, id: string): string {
    return this.#digester.ownership(this.#claim(cloud, id));
  }

  /**
   * Whether the object's stack is proven to be in another project, region or endpoint than the credentials lead to:
   * then a sentence that says so. A 404 there would say nothing about the stack.
   */
  elsewhere(connection: CloudConnection, status: HeatStackStatus): string | undefined {
    const { id, ownership, cloud: was } = status;
    if (id === undefined || !was) return undefined;
    if (connection.orchestration && this.proves(connection, status)) return undefined;
    if (!this.#digester.owns(this.#claim(was, id), ownership)) return undefined;
    const is = connection.cloud;
    const { projectID = '', region = '', endpoint = '' } = was;
    // Without Heat in the catalog, and none asked for in another region, the stack is only out of reach for now.
    const sameRegion = is.region === undefined || is.region === region;
    if (is.projectID === projectID && sameRegion && !connection.orchestration) return undefined;
    const differences = [
      ['project', `${was.projectName ?? ''} (${projectID})`, `${is.projectName ?? ''} (${is.projectID})`],
      ['region', region, is.region ?? ''],
      ['endpoint', endpoint, is.endpoint ?? 'none'],
    ]
      .filter(([, before, after]) => before !== after)
      .map(([what, before, after]) => `${what} ${after} instead of ${before}`);
    return `the credentials lead to ${differences.join(', ')}, where the stack is not; nothing is written. Point spec.cloudCredentialsRef back to the stack's cloud; to give the stack up, set spec.managedOptions.onDelete to "detach" and delete the object`;
  }

  #claim(
    { projectID = '', region = '', endpoint = '' }: NonNullable<HeatStackStatus['cloud']>,
    stackId: string,
  ): OwnershipClaim {
    return { uid: this.#uid, stackId, projectID, region, endpoint };
  }
}

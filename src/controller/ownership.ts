import type { HeatStackStatus } from '../api/heat-stack.ts';
import type { Digester, OwnershipClaim, Tie } from './digest.ts';
import type { CloudConnection } from './heat-client.ts';

type Cloud = NonNullable<HeatStackStatus['cloud']>;

/** What a stack id in a status is to the object, in the cloud that the credentials lead to. */
export class Ownership {
  readonly #digester: Digester;
  readonly #uid: string;
  /** What was found out last: it is asked again and again while one status is looked at. */
  #known: { stackId: string; cloud: Cloud; proof: string | undefined; tie: Tie | undefined } | undefined;

  /** @param uid of the HeatStack */
  constructor(digester: Digester, uid: string) {
    this.#digester = digester;
    this.#uid = uid;
  }

  /** Whether the stack is the object's own: the operator wrote this id for it, and for this very cloud. */
  proves({ cloud }: CloudConnection, { id, ownership }: Pick<HeatStackStatus, 'id' | 'ownership'>): boolean {
    const tie = this.#tie(cloud, id, ownership);
    return tie === 'own' || tie === 'adopted';
  }

  /** Whether the operator wrote this id for this object and cloud, be it of a stack that is only observed. */
  knows({ cloud }: CloudConnection, { id, ownership }: Pick<HeatStackStatus, 'id' | 'ownership'>): boolean {
    return this.#tie(cloud, id, ownership) !== undefined;
  }

  /** What is written beside an id, to prove later what the stack is to the object. */
  proof({ cloud }: CloudConnection, id: string, tie: Tie = 'own'): string {
    return this.#digester.proof(this.#claim(cloud, id), tie);
  }

  /**
   * Whether the object's stack is proven to be in another project, region or endpoint than the credentials lead to:
   * then a sentence that says so. A 404 there would say nothing about the stack.
   *
   * @param isOwnStatus nobody but the operator wrote the status. Then it is believed with a proof by a key that was lost,
   *   too: else a second stack would be made where the credentials lead now.
   */
  elsewhere(connection: CloudConnection, status: HeatStackStatus, isOwnStatus: boolean): string | undefined {
    const { id, ownership, cloud: was } = status;
    if (id === undefined || !was) return undefined;
    if (connection.orchestration && this.knows(connection, status)) return undefined;
    const tie = this.#tie(was, id, ownership);
    const isBelieved = isOwnStatus && ownership !== undefined;
    if (tie === undefined && !isBelieved) return undefined;
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
    if (differences.length === 0) return undefined;
    const giveUp =
      tie === 'observed'
        ? 'delete the object'
        : 'set spec.managedOptions.onDelete to "detach" and delete the object';
    return `the credentials lead to ${differences.join(', ')}, where the stack is not; nothing is written. Point spec.cloudCredentialsRef back to the stack's cloud; to give the stack up, ${giveUp}`;
  }

  #tie(cloud: Cloud, id: string | undefined, proof: string | undefined): Tie | undefined {
    if (id === undefined) return undefined;
    const known = this.#known;
    if (known?.stackId === id && known.proof === proof && isSame(known.cloud, cloud)) return known.tie;
    const tie = this.#digester.tie(this.#claim(cloud, id), proof);
    this.#known = { stackId: id, cloud, proof, tie };
    return tie;
  }

  #claim({ projectID = '', region = '', endpoint = '' }: Cloud, stackId: string): OwnershipClaim {
    return { uid: this.#uid, stackId, projectID, region, endpoint };
  }
}

/** Whether two clouds are the same as far as a proof tells. */
function isSame(one: Cloud, other: Cloud): boolean {
  return one.projectID === other.projectID && one.region === other.region && one.endpoint === other.endpoint;
}

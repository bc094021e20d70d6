import type { CloudConfig } from './clouds.ts';
import { defined } from './define.ts';
import { orchestrationRegions, type Token } from './keystone.ts';
import { loadCloud } from './load-cloud.ts';
import { HeatOrchestration, type Orchestration } from './orchestration.ts';
import { type ConnectOptions, Session } from './session.ts';

/** What a connection is connected to. Nothing of it is secret. */
export interface CloudIdentity {
  authURL: string;
  /** Heat's address with the project; missing when there is no Heat. */
  endpoint?: string;
  region?: string;
  projectID: string;
  projectName: string;
  projectDomainID?: string;
  projectDomainName?: string;
}

/** A user signed in to a project of a cloud. Its token is renewed as needed; project and Heat never change. */
export interface Connection {
  readonly cloud: CloudIdentity;
  /** The token in use, until it is renewed. A secret. */
  readonly token: string;
  /** Heat; undefined when the catalog doesn't have it for the cloud's interface and region. */
  readonly orchestration?: Orchestration | undefined;
  /** The regions where the catalog has Heat: tells a wrong region from a missing service. */
  readonly regions: readonly string[];
  /**
   * Gets a new token and catalog, in which Heat may appear or be missing.
   *
   * @throws OpenStackError as {@link connect}; IdentityChanged, as from every call to Heat that renews the token, when
   * it is for another project, region or Heat than this connection: only a new one gets there.
   */
  reauthenticate(options?: { signal?: AbortSignal }): Promise<void>;
  /** Ends what is under way and closes every socket; `await using` does it too. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Signs in to a cloud, with one token request, and reads its catalog.
 *
 * @param cloud what `parseCloudsYaml` or `loadCloud` gave; or a name, or nothing, for `loadCloud` to find the cloud in
 * the files and variables of whoever runs the program.
 * @throws OpenStackError Unauthorized, Forbidden, ConfigError, ConnectionFailed, Timeout, CircuitOpen,
 * EndpointRefused, ServerError,
 * TooManyRequests, InvalidResponse, ResponseTooLarge, Overloaded; the signal's reason when it was aborted.
 *
 * @example
 * const connection = await connect('demo', { userAgent: 'my-tool/1.0' });
 * try {
 *   for await (const stack of connection.orchestration?.stacks() ?? []) console.log(stack.name, stack.status);
 * } finally {
 *   await connection.close();
 * }
 */
export async function connect(
  cloud?: CloudConfig | string,
  options: ConnectOptions = {},
): Promise<Connection> {
  const session = new Session(typeof cloud === 'object' ? cloud : await loadCloud({ cloud }), options);
  try {
    await session.renew(options.signal);
    return new CloudConnection(session);
  } catch (error) {
    await session.close();
    throw error;
  }
}

class CloudConnection implements Connection {
  readonly #session: Session;
  readonly #orchestration: Orchestration;
  /** As the newest token tells. */
  #identity: { token: Token; cloud: CloudIdentity } | undefined;

  constructor(session: Session) {
    this.#session = session;
    this.#orchestration = new HeatOrchestration(session);
  }

  get cloud(): CloudIdentity {
    const { current: token } = this.#session;
    if (this.#identity?.token !== token) this.#identity = { token, cloud: this.#identify(token) };
    return this.#identity.cloud;
  }

  #identify(token: Token): CloudIdentity {
    const { cloud, endpoint } = this.#session;
    return defined({
      authURL: cloud.authUrl,
      endpoint: endpoint?.url,
      region: endpoint?.region ?? cloud.regionName,
      projectID: token.project.id,
      projectName: token.project.name,
      projectDomainID: token.project.domainId,
      projectDomainName: token.project.domainName,
    });
  }

  get token(): string {
    return this.#session.current.id;
  }

  get orchestration(): Orchestration | undefined {
    return this.#session.endpoint && this.#orchestration;
  }

  get regions(): readonly string[] {
    return orchestrationRegions(this.#session.current, this.#session.cloud);
  }

  async reauthenticate(options: { signal?: AbortSignal } = {}): Promise<void> {
    await this.#session.renew(options.signal);
  }

  close(): Promise<void> {
    return this.#session.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

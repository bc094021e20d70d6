import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import * as v from 'valibot';
import type { Cache } from '../../test/testbed/cache.ts';
import { TestbedError } from '../../test/testbed/errors.ts';
import { goPrograms } from '../../test/testbed/go-programs.ts';
import { spawnGuarded } from '../../test/testbed/guard.ts';

const MODULE = fileURLToPath(new URL('./peers/heat', import.meta.url));
/** How long it may take to tell something, in ms. */
const PATIENCE_MS = 60_000;

const counts = v.record(v.string(), v.number());

const stacks = v.array(
  v.object({
    project: v.string(),
    name: v.string(),
    id: v.string(),
    /** `ACTION_STATUS`. */
    status: v.string(),
    tags: v.array(v.string()),
    created: v.string(),
    updated: v.nullable(v.string()),
    /** Of a living stack, as Heat would give it. */
    environment: v.optional(
      v.object({
        parameters: v.record(v.string(), v.unknown()),
        parameter_defaults: v.record(v.string(), v.unknown()),
      }),
    ),
  }),
);

const writes = v.array(
  v.object({
    at: v.string(),
    method: v.string(),
    route: v.string(),
    name: v.string(),
    id: v.optional(v.string()),
    status: v.number(),
    /** Address of the connection that it came over. */
    remote: v.string(),
  }),
);

/** Numbers of requests by method, route and names of the query's parameters: `GET /stacks?limit&status`. */
export type RequestCounts = Record<string, number>;
/** A stack that was ever created. */
export type StandInStack = v.InferOutput<typeof stacks>[number];
/** A request that was to change a stack. */
export type StandInWrite = v.InferOutput<typeof writes>[number];

export interface StandInHeatOptions {
  /** How long each action of a stack takes: `10s`. */
  work: string;
  /** How long a token is valid; default `1h`. */
  tokenLife?: string;
  signal?: AbortSignal | undefined;
}

/** A Keystone and Heat in a process of their own; see peers/heat. */
export class StandInHeat {
  /** Keystone's address, with /v3. */
  readonly authUrl: string;
  readonly pid: number;
  readonly #stop: () => Promise<void>;

  private constructor(authUrl: string, pid: number, stop: () => Promise<void>) {
    this.authUrl = authUrl;
    this.pid = pid;
    this.#stop = stop;
  }

  /** Builds it if that wasn't done yet, and starts it. It ends with this process, however that ends. */
  static async start(
    cache: Cache,
    { work, tokenLife = '1h', signal }: StandInHeatOptions,
  ): Promise<StandInHeat> {
    const programs = await goPrograms(cache, {
      name: 'bench-heat',
      module: MODULE,
      what: 'the stand-in for Heat',
    });
    signal?.throwIfAborted();
    const args = ['--work', work, '--token-life', tokenLife];
    const child = spawnGuarded(cache.python, join(programs, 'heat'), args, {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const exited = once(child, 'close');
    const stop = async (): Promise<void> => {
      child.kill('SIGKILL');
      await exited;
    };
    const { pid, stdout } = child;
    if (pid !== undefined && stdout) {
      for await (const line of createInterface({ input: stdout })) return new StandInHeat(line, pid, stop);
    }
    await stop();
    throw new TestbedError('the stand-in for Heat ended at once; what it said is above');
  }

  /** The text of a clouds.yaml with the cloud `openstack`. */
  cloudsYaml({ project = 'demo', username = 'demo' } = {}): string {
    const auth = {
      auth_url: this.authUrl,
      username,
      password: 'secret',
      user_domain_name: 'Default',
      project_name: project,
      project_domain_name: 'Default',
    };
    return JSON.stringify({ clouds: { openstack: { auth, region_name: 'RegionOne' } } });
  }

  /** What was asked since the last reset. */
  async requests({ reset = false } = {}): Promise<RequestCounts> {
    return v.parse(counts, await this.#admin('requests', reset));
  }

  /** All requests since the last reset that were to change a stack, in their order. */
  async writes({ reset = false } = {}): Promise<StandInWrite[]> {
    return v.parse(writes, await this.#admin('writes', reset));
  }

  /** All stacks that were ever created, in that order. */
  async stacks(): Promise<StandInStack[]> {
    return v.parse(stacks, await this.#admin('stacks', false));
  }

  /** Makes all tokens invalid. */
  async revokeTokens(): Promise<void> {
    await this.#admin('tokens', true);
  }

  async stop(): Promise<void> {
    await this.#stop();
  }

  async #admin(what: string, reset: boolean): Promise<unknown> {
    const url = new URL(`/admin/${what}`, this.authUrl);
    const signal = AbortSignal.timeout(PATIENCE_MS);
    const answer = await fetch(url, { method: reset ? 'DELETE' : 'GET', signal });
    if (!answer.ok) throw new TestbedError(`the stand-in for Heat answered ${answer.status} to ${url}`);
    return answer.json();
  }
}

import { readFile } from 'node:fs/promises';
import { connect, parseCloudsYaml } from '../../src/openstack/index.ts';
import { type Names, type Outcome, ourOutcome, placeheld, sdkOutcome } from './outcome.ts';
import { RecordingProxy } from './recording-proxy.ts';
import type { Basics, Scenario } from './scenario.ts';
import type { Sdk } from './sdk.ts';
import { type Backend, type Fixtures, makeFixtures, World } from './world.ts';

/** A Keystone and a Heat with the fixtures in it. */
export class Stage {
  readonly #backend: Backend;
  readonly #cloudsYaml: string;
  readonly #worlds: Record<string, (name: string) => World>;
  readonly #fixtures: Fixtures;

  private constructor(
    backend: Backend,
    cloudsYaml: string,
    worlds: Record<string, (name: string) => World>,
    fixtures: Fixtures,
  ) {
    this.#backend = backend;
    this.#cloudsYaml = cloudsYaml;
    this.#worlds = worlds;
    this.#fixtures = fixtures;
  }

  /**
   * @param prefix what the names of all stacks begin with
   * @param folder for files of scenarios
   */
  static async open(backend: Backend, prefix: string, folder: string): Promise<Stage> {
    const worlds: Record<string, (name: string) => World> = {};
    for (const cloud of ['demo', 'alice', 'admin']) worlds[cloud] = await World.open(backend, cloud, folder);
    const fixtures = await makeFixtures(worldOf(worlds, 'alice', prefix), prefix);
    return new Stage(backend, await readFile(backend.clouds, 'utf8'), worlds, fixtures);
  }

  /** Runs one client's part of a scenario; with `sdk` that of openstacksdk. */
  async run(it: Scenario, name: string, sdk?: Sdk): Promise<Outcome> {
    const { cloud = 'demo' } = it;
    const mine = worldOf(this.#worlds, cloud, name);
    const given: Basics = { ...this.#fixtures, ...(await it.prepare?.(mine)), name };
    const proxy = new RecordingProxy(this.#backend.heatUrl, (answer, request) =>
      it.tamper?.(answer, request, given),
    );
    await proxy.start();
    try {
      const { prefix, ...fixtures } = this.#fixtures;
      const names: Names = { name, prefix, stacks: [...mine.stacks, ...Object.values(fixtures)] };
      const finish = async (outcome: Outcome): Promise<Outcome> => {
        const after = await it.after?.(mine, given);
        return after === undefined ? outcome : { ...outcome, after: placeheld(after, names) };
      };
      if (sdk) {
        const answer = await sdk.call({ cloud, endpoint: proxy.endpoint, code: it.sdk, given });
        return await finish(sdkOutcome(answer, proxy.exchanges, names));
      }
      const config = parseCloudsYaml(this.#cloudsYaml, { cloudName: cloud });
      const connection = await connect({ ...config, orchestrationEndpointOverride: proxy.endpoint });
      try {
        const { orchestration: heat } = connection;
        if (!heat) throw new Error('no Heat in the catalog');
        return await finish(await ourOutcome(() => it.ours({ ...given, heat }), proxy.exchanges, names));
      } finally {
        await connection.close();
      }
    } finally {
      await proxy.close();
    }
  }

  /** Deletes the stacks of the run; doesn't wait for their end. */
  async close(prefix: string): Promise<void> {
    for (const cloud of Object.keys(this.#worlds)) {
      const here = worldOf(this.#worlds, cloud, prefix);
      const { json } = await here.ask('GET', '/stacks?show_hidden=true');
      const { stacks } = json as { stacks: { stack_name: string; id: string }[] };
      for (const stack of stacks.filter(({ stack_name }) => stack_name.startsWith(prefix)))
        await here.ask('DELETE', `/stacks/${stack.stack_name}/${stack.id}`);
    }
  }
}

function worldOf(worlds: Record<string, (name: string) => World>, cloud: string, name: string): World {
  const open = worlds[cloud];
  if (!open) throw new Error(`no cloud ${cloud}`);
  return open(name);
}

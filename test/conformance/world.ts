import { setTimeout as sleep } from 'node:timers/promises';
import type { Json, JsonObject } from '../../src/json.ts';
import { parseJson } from '../../src/json.ts';
import { logIn, readCloud } from '../testbed/keystone.ts';
import * as templates from './templates.ts';

/** A Keystone and a Heat. */
export interface Backend {
  /** A clouds.yaml with the clouds demo, alice and admin. */
  clouds: string;
  /** With /v1 and without a project. */
  heatUrl: string;
}

export interface StackName {
  name: string;
  id: string;
}

/** Stacks of the cloud "alice" for scenarios that only read. */
export interface Fixtures {
  /** With nested stacks, outputs and the tags blue and name. */
  web: StackName;
  /** With the tags blue and green; updated once. */
  data: StackName;
  /** CREATE_FAILED, with the tag red. */
  broken: StackName;
  /** DELETE_COMPLETE. */
  old: StackName;
  /** ADOPT_COMPLETE. */
  adopted: StackName;
  /** What their names begin with. */
  prefix: string;
}

/** Heat as a scenario prepares and inspects it: bare requests to a project, by neither client. */
export class World {
  /** For a stack of the scenario's own. */
  readonly name: string;
  /** A folder for files. */
  readonly folder: string;
  readonly #url: string;
  readonly #token: string;
  /** What was made here. */
  readonly stacks: StackName[] = [];

  constructor(heat: { url: string; token: string }, name: string, folder: string) {
    this.#url = heat.url;
    this.#token = heat.token;
    this.name = name;
    this.folder = folder;
  }

  /** Signs in to a cloud. */
  static async open(backend: Backend, cloud: string, folder: string): Promise<(name: string) => World> {
    const { token, projectId } = await logIn(await readCloud(backend.clouds, cloud));
    return (name) => new World({ url: `${backend.heatUrl}/${projectId}`, token }, name, folder);
  }

  /** One request; answers its JSON, or undefined when that is none. Redirects are followed with the method they had. */
  async ask(method: string, path: string, body?: unknown): Promise<{ status: number; json: Json }> {
    const answer = await fetch(path.startsWith('http') ? path : `${this.#url}${path}`, {
      method,
      redirect: 'manual',
      headers: { 'content-type': 'application/json', 'x-auth-token': this.#token },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const location = answer.headers.get('location');
    if (answer.status === 302 && location) return this.ask(method, location, body);
    const text = await answer.text();
    return { status: answer.status, json: text.startsWith('{') ? parseJson(text) : null };
  }

  /** Begins a stack; the default is one that needs no time. */
  async begin(attributes: object = {}, name: string = this.name): Promise<StackName> {
    const { json } = await this.ask('POST', '/stacks', {
      stack_name: name,
      template: templates.SIMPLE,
      ...attributes,
    });
    const { stack } = json as { stack?: { id: string } };
    if (!stack) throw new Error(`can't create ${name}: ${JSON.stringify(json)}`);
    const made = { name, id: stack.id };
    this.stacks.push(made);
    return made;
  }

  /** Makes a stack and waits until it is. */
  async create(attributes: object = {}, name: string = this.name): Promise<StackName> {
    const stack = await this.begin(attributes, name);
    await this.settled(stack);
    return stack;
  }

  /** The stack, deleted or not. */
  async read(stack: StackName, part = ''): Promise<JsonObject> {
    const { json } = await this.ask('GET', `/stacks/${stack.name}/${stack.id}${part}`);
    const { stack: read = json } = json as { stack?: Json };
    return read as JsonObject;
  }

  /** Waits until no work is in progress; the status then. */
  async settled({ name, id }: StackName): Promise<string> {
    for (let tries = 0; tries < 200; tries += 1) {
      const status = String((await this.read({ name, id }, '?resolve_outputs=false'))['stack_status']);
      if (!status.endsWith('IN_PROGRESS')) return status;
      await sleep(150);
    }
    throw new Error(`${name} is still in progress`);
  }

  /** Waits until a stack that is being deleted has let go of its name. */
  async gone({ name, id }: StackName): Promise<void> {
    for (let tries = 0; tries < 200; tries += 1) {
      if ((await this.read({ name, id }))['deletion_time'] !== null) return;
      await sleep(150);
    }
    throw new Error(`${name} is still there`);
  }

  /** The stack of the scenario's name, as far as `after` mostly wants it. */
  async look(name: string = this.name): Promise<JsonObject | null> {
    const { json } = await this.ask('GET', `/stacks/${name}`);
    return (json as { stack?: JsonObject } | null)?.stack ?? null;
  }
}

/** Makes the stacks that scenarios only read, one after the other: lists begin with the newest. */
export async function makeFixtures(world: World, prefix: string): Promise<Fixtures> {
  const begin = (name: string, attributes: object) => world.begin(attributes, `${prefix}-${name}`);
  const fixtures = {
    web: await begin('web', { ...templates.NESTED, tags: 'blue,name' }),
    data: await begin('data', { tags: 'blue,green' }),
    broken: await begin('broken', { template: templates.FAILING, tags: 'red' }),
    old: await begin('old', {}),
    adopted: await begin('adopted', {
      adopt_stack_data: JSON.stringify(templates.abandoned(`${prefix}-adopted`)),
    }),
  };
  const stacks = Object.values(fixtures);
  await Promise.all(stacks.map((stack) => world.settled(stack)));
  const { data, old } = fixtures;
  const body = { template: templates.SIMPLE, parameters: { text: 'second' }, tags: 'blue,green' };
  await world.ask('PUT', `/stacks/${data.name}/${data.id}`, body);
  await world.ask('DELETE', `/stacks/${old.name}/${old.id}`);
  await Promise.all([world.settled(data), world.gone(old)]);
  return { ...fixtures, prefix };
}

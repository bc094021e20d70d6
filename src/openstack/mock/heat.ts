import type { Json, JsonObject } from '../../json.ts';
import { notFound, Refusal } from './answer.ts';
import type { MockResourceType } from './resource-types.ts';
import type { Host, Stack } from './stack.ts';
import { Types } from './template.ts';

/** How a mock of Heat behaves. */
export interface HeatOptions {
  resourceTypes: Record<string, MockResourceType>;
  progressReads: number;
  /** False, as Keystone 30 has it by default: who signed in by application credential can't create stacks. */
  credentialTrusts: boolean;
  now: () => number;
}

/** The Heat of one region: its stacks, and how their work goes on. */
export class MockHeat implements Host {
  readonly region: string;
  readonly types: Types;
  readonly progressReads: number;
  readonly credentialTrusts: boolean;
  /** @internal */
  readonly configs = new Map<string, JsonObject>();
  /** @internal */
  readonly deployments = new Map<string, JsonObject>();
  /** Whose software configs and deployments these are, by their ids. @internal */
  readonly owners = new Map<string, string>();
  readonly #now: () => number;
  readonly #url: () => string;
  readonly #stacks = new Map<string, Stack>();
  #held = false;

  /** @param url the address before `/v1/<project>`, once it is known. */
  constructor(
    region: string,
    url: () => string,
    { resourceTypes, progressReads, credentialTrusts, now }: HeatOptions,
  ) {
    this.region = region;
    this.types = new Types(resourceTypes);
    this.progressReads = progressReads;
    this.credentialTrusts = credentialTrusts;
    this.#now = now;
    this.#url = url;
  }

  /** All stacks in the order of their creation: nested and deleted ones, too. */
  get stacks(): Stack[] {
    return [...this.#stacks.values()];
  }

  get held(): boolean {
    return this.#held;
  }

  /**
   * A stack by its id, or a living one by its name.
   *
   * @throws Error when there is none.
   */
  stack(nameOrId: string): Stack {
    const found = this.#stacks.get(nameOrId) ?? this.named(nameOrId);
    if (!found) throw new Error(`The mock has no stack ${nameOrId}.`);
    return found;
  }

  /** From now on, work stays in progress until {@link finish} or {@link release}. */
  hold(): void {
    this.#held = true;
  }

  /** Work ends by itself again. */
  release(): void {
    this.#held = false;
  }

  /**
   * Ends what is in progress on a stack.
   *
   * @param reason of a failure: what the first of its resources failed of.
   * @throws Error when nothing is in progress.
   */
  finish(nameOrId: string, status: 'COMPLETE' | 'FAILED' = 'COMPLETE', reason = 'the test said so'): void {
    const stack = this.stack(nameOrId);
    if (!stack.isInProgress) throw new Error(`Nothing is in progress on the stack ${stack.name}.`);
    stack.finish(status === 'FAILED' ? reason : undefined);
  }

  /** Gives an attribute of a resource a value: outputs and other resources that use it see it. */
  setAttribute(nameOrId: string, resource: string, attribute: string, value: Json): void {
    const row = this.stack(nameOrId).resources.get(resource);
    if (!row) throw new Error(`The stack ${nameOrId} has no resource ${resource}.`);
    row.attributes[attribute] = value;
  }

  now(): number {
    return this.#now();
  }

  urlOf(stack: Stack): string {
    return `${this.#url()}/v1/${stack.projectId}/stacks/${stack.name}/${stack.id}`;
  }

  /** @internal */
  add(stack: Stack): void {
    this.#stacks.set(stack.id, stack);
  }

  /** A living stack of a project. @internal */
  named(name: string, projectId?: string): Stack | undefined {
    return this.stacks.find(
      (stack) =>
        stack.name === name &&
        stack.deletedAt === undefined &&
        (projectId === undefined || stack.projectId === projectId),
    );
  }

  /** What Heat's look-up of a name or id finds: by id, deleted ones too. @internal */
  lookUp(nameOrId: string, projectId: string): Stack {
    const byId = this.#stacks.get(nameOrId);
    const found = byId?.projectId === projectId ? byId : this.named(nameOrId, projectId);
    if (!found) throw notFound('Stack', nameOrId);
    return found;
  }

  /** A stack by its name and id. @internal */
  identified(name: string, id: string, projectId: string, withDeleted: boolean): Stack {
    const stack = this.#stacks.get(id);
    if (!stack || stack.projectId !== projectId || stack.name !== name) throw notFound('Stack', name);
    if (stack.deletedAt !== undefined && !withDeleted) throw notFound('Stack', name);
    return stack;
  }

  /** @throws Refusal when a living stack has the name. @internal */
  checkName(name: string, projectId: string): void {
    const other = this.named(name, projectId);
    rootOf(other)?.look();
    if (other && other.deletedAt === undefined) {
      throw new Refusal(409, 'StackExists', `The Stack (${name}) already exists.`);
    }
  }
}

/** The stack that isn't nested, which a stack is part of. */
export function rootOf(stack: Stack | undefined): Stack | undefined {
  return stack?.parent ? rootOf(stack.parent) : stack;
}

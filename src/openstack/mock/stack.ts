import { randomBytes, randomInt, randomUUID } from 'node:crypto';
import { canonicalJson, isJsonObject, type Json, type JsonObject } from '../../json.ts';
import { Refusal } from './answer.ts';
import { at, resolve, type Scope } from './functions.ts';
import type { Inputs } from './inputs.ts';
import { Parameters, section } from './parameters.ts';
import { pythonJson } from './python.ts';
import { isReplacedBy, withDefaults } from './resource-types.ts';
import { type Definition, definitionsOf, emptyScope, GROUP, nestedTemplate, type Types } from './template.ts';

/** What a stack needs of its Heat. */
export interface Host {
  readonly types: Types;
  /** Milliseconds since the epoch. */
  now(): number;
  /** How many reads see work in progress before it ends. */
  readonly progressReads: number;
  /** Work ends only by `finish()`. */
  readonly held: boolean;
  /** Where a stack is, for what it tells of itself. */
  urlOf(stack: Stack): string;
  /** Keeps a nested stack. */
  add(stack: Stack): void;
}

/** A resource of a stack. */
export interface Resource {
  definition: Definition;
  /** Its properties, with the functions of the template resolved. */
  properties: JsonObject;
  physicalId: string;
  action: string;
  status: string;
  reason: string;
  createdAt: number;
  updatedAt: number;
  /** What it keeps: a random text, the signals of a handle. */
  data: JsonObject;
  /** Values of attributes that a test has set. */
  attributes: JsonObject;
  /** The stack that it is. */
  child?: Stack;
}

export interface StackEvent {
  id: string;
  stack: Stack;
  /** Counts up over all stacks. */
  order: number;
  time: number;
  name: string;
  type: string;
  physicalId: string;
  action: string;
  status: string;
  reason: string;
  properties: JsonObject;
}

export interface Snapshot {
  id: string;
  name: Json;
  status: string;
  reason: string | null;
  data: JsonObject;
  createdAt: number;
  inputs: Inputs;
}

/** What an action does with one resource. */
export interface Step {
  kind: 'create' | 'update' | 'replace' | 'keep' | 'delete' | 'act';
  /** As it will be. */
  next: Resource;
  /** As it is. */
  old?: Resource;
  /** What the resource's own stack is updated to. */
  inputs?: Inputs;
  /** When it began, in milliseconds since the epoch. */
  begunAt?: number;
  isOver?: true;
}

interface Work {
  steps: Step[];
  reads: number;
  /** Resources that failed, and those that need them. */
  stopped: Set<string>;
  /** The first failure: `Resource CREATE failed: …` */
  failure?: string;
  /** What the resources are adopted from. */
  adopted: JsonObject | undefined;
}

const STATE_CHANGED = 'state changed';
let eventCount = 0;

/** A stack, and what happens to it. */
export class Stack {
  readonly id: string = randomUUID();
  readonly name: string;
  readonly projectId: string;
  /** The name of its user. */
  readonly owner: string;
  readonly userProjectId: string;
  readonly parent: Stack | undefined;
  /** The resource of the parent that this stack is. */
  readonly parentResource: string | undefined;
  readonly createdAt: number;
  updatedAt: number | undefined;
  deletedAt: number | undefined;
  action = 'INIT';
  /** `IN_PROGRESS`, `COMPLETE` or `FAILED`. */
  status = 'COMPLETE';
  reason = '';
  tags: string[] = [];
  timeoutMins: number | null = null;
  disableRollback = true;
  inputs: Inputs;
  readonly resources = new Map<string, Resource>();
  readonly events: StackEvent[] = [];
  readonly snapshots: Snapshot[] = [];
  readonly #host: Host;
  #previous: Inputs;
  #work: Work | undefined;
  /** Of a nested stack: what its creation will do. */
  #prepared: Step[] | undefined;

  constructor(
    host: Host,
    of: {
      name: string;
      projectId: string;
      owner: string;
      inputs: Inputs;
      parent?: Stack;
      parentResource?: string;
    },
  ) {
    this.#host = host;
    this.name = of.name;
    this.projectId = of.projectId;
    this.owner = of.owner;
    this.parent = of.parent;
    this.parentResource = of.parentResource;
    this.userProjectId = of.parent?.userProjectId ?? randomBytes(16).toString('hex');
    this.createdAt = host.now();
    this.inputs = of.inputs;
    this.#previous = empty(of.inputs);
  }

  /** `CREATE_COMPLETE`. */
  get state(): string {
    return `${this.action}_${this.status}`;
  }

  get isInProgress(): boolean {
    return this.#work !== undefined;
  }

  get depth(): number {
    return this.parent ? this.parent.depth + 1 : 0;
  }

  /** The stacks that its resources are. */
  get children(): Stack[] {
    return [...this.resources.values()].flatMap(({ child }) => child ?? []);
  }

  parameters(inputs = this.inputs, id = this.id): Parameters {
    const pseudo = { 'OS::stack_id': id, 'OS::project_id': this.projectId, 'OS::stack_name': this.name };
    return new Parameters(inputs.template, inputs.environment, pseudo);
  }

  /** @throws Refusal of what is wrong with inputs. */
  check(inputs: Inputs): void {
    const parameters = this.parameters(inputs);
    parameters.check();
    definitionsOf(inputs, this.#host.types, emptyScope(inputs, parameters), this.depth);
  }

  /** Starts an action, in place of the one in progress. */
  start(action: string, inputs?: Inputs, adopted?: JsonObject): void {
    this.#settleResources();
    if (inputs) {
      this.#previous = this.inputs;
      this.inputs = inputs;
    }
    if (action === 'CREATE') this.#previous = empty(this.inputs);
    else this.updatedAt = this.#host.now();
    if (action === 'DELETE') {
      this.tags = [];
      this.inputs = { ...this.inputs, template: { ...this.inputs.template, resources: {} } };
    }
    this.#set(action, 'IN_PROGRESS', `Stack ${action} started`);
    const steps = ACTS.includes(action) ? this.#acts() : (this.#prepared ?? this.plan(this.inputs));
    this.#prepared = undefined;
    this.#work = { steps, reads: 0, stopped: new Set(), adopted };
    for (const step of steps)
      if (step.kind === 'create') this.resources.set(step.next.definition.name, step.next);
    const pending = new Set(
      steps.filter(({ kind }) => kind !== 'keep').map(({ next }) => next.definition.name),
    );
    for (const step of steps) {
      if (step.kind === 'keep') step.isOver = true;
      else if (!needsOf(step).some((name) => pending.has(name))) this.#begin(step);
    }
  }

  /** Stops what is in progress, where it is. */
  cancel(): void {
    this.#settleResources();
    this.#set(this.action, 'FAILED', `Stack ${this.action} cancelled`);
  }

  /** Goes back to the inputs before the last ones. */
  rollBack(): void {
    this.start('ROLLBACK', this.#previous);
  }

  /** Somebody looks: work that has been seen in progress goes on. */
  look(): void {
    const work = this.#work;
    if (!work) return;
    if (work.reads < this.#host.progressReads) work.reads += 1;
    else if (!this.#host.held) this.#goOn(false);
  }

  /** Ends what is in progress, by a failure if there is a reason for one. */
  finish(failure?: string): void {
    this.#goOn(true, failure);
  }

  /** Goes on with each resource that has what it needs, and has waited long enough. */
  #goOn(isForced: boolean, failure?: string): void {
    const work = this.#work;
    if (!work) return;
    const open = new Set<string>();
    let told = failure;
    for (const step of work.steps) {
      const { name } = step.next.definition;
      const needs = needsOf(step);
      if (step.isOver) continue;
      if (needs.some((each) => work.stopped.has(each))) {
        step.isOver = true;
        work.stopped.add(name);
      } else if (needs.some((each) => open.has(each))) {
        open.add(name);
      } else {
        this.#begin(step);
        if (!isForced && !this.#isReady(step)) {
          open.add(name);
          continue;
        }
        const reason = told ?? this.#failureOf(step, work.adopted);
        told = undefined;
        this.#end(step, reason);
        if (reason === undefined) continue;
        work.stopped.add(name);
        work.failure ??= `Resource ${step.next.action} failed: ${reason}`;
      }
    }
    const reason = work.failure ?? told;
    if (open.size > 0 && reason === undefined) return;
    for (const step of work.steps) if (step.begunAt !== undefined && !step.isOver) this.#end(step, undefined);
    this.#work = undefined;
    this.#conclude(work.steps, reason);
  }

  #conclude(steps: Step[], failure: string | undefined): void {
    if (failure !== undefined) {
      this.#set(this.action, 'FAILED', failure);
      const isUndone = this.action === 'CREATE' || this.action === 'UPDATE';
      if (isUndone && !this.disableRollback && !this.parent) this.rollBack();
      return;
    }
    const unsupported = this.action === 'CHECK' && steps.some(({ next }) => !isChecked(next));
    const hint = unsupported ? ". 'CHECK' not fully supported (see resources)" : '';
    this.#set(this.action, 'COMPLETE', `Stack ${this.action} completed successfully${hint}`);
    if (this.action === 'DELETE') this.deletedAt = this.#host.now();
    for (const snapshot of this.snapshots) {
      if (snapshot.status !== 'IN_PROGRESS') continue;
      Object.assign(snapshot, { status: 'COMPLETE', reason: this.reason, data: this.exported() });
    }
  }

  /** What an update to these inputs does with each resource. */
  plan(inputs: Inputs): Step[] {
    const planned = new Map<string, Resource>();
    const scope = this.scope(inputs, (name) => planned.get(name));
    const definitions = definitionsOf(
      inputs,
      this.#host.types,
      emptyScope(inputs, this.parameters(inputs)),
      this.depth,
    );
    const steps = definitions.map((definition) => {
      const step = this.#stepFor(definition, scope, inputs);
      planned.set(definition.name, step.next);
      return step;
    });
    const gone = [...this.resources.values()].filter(({ definition }) => !planned.has(definition.name));
    return [...steps, ...gone.reverse().map((old): Step => ({ kind: 'delete', next: old, old }))];
  }

  #stepFor(definition: Definition, scope: Scope, inputs: Inputs): Step {
    const properties = section({ all: resolve(definition.properties, scope) }, 'all');
    const old = this.resources.get(definition.name);
    const template = nestedTemplate(definition, properties);
    const nested = template && nestedInputs(template, properties, inputs);
    const isNew = !old || old.definition.type !== definition.type;
    const kind = isNew ? (old ? 'replace' : 'create') : changeOf(old, definition, properties);
    if (kind === 'create' || kind === 'replace') {
      const next = this.#newResource(definition, properties);
      if (nested) this.#nest(next, nested);
      return { kind, next, ...(old && { old }) };
    }
    const next = { ...(old as Resource), definition, properties };
    return { kind, next, ...(old && { old }), ...(nested && { inputs: nested }) };
  }

  /** Makes the stack that a resource will be. */
  #nest(resource: Resource, inputs: Inputs): void {
    const { name } = resource.definition;
    const child = new Stack(this.#host, {
      name: `${this.name}-${name}-${suffix()}`,
      projectId: this.projectId,
      owner: this.owner,
      inputs,
      parent: this,
      parentResource: name,
    });
    child.#prepared = child.plan(inputs);
    for (const { next } of child.#prepared) child.resources.set(next.definition.name, next);
    resource.child = child;
    resource.physicalId = child.id;
  }

  #newResource(definition: Definition, properties: JsonObject): Resource {
    const now = this.#host.now();
    const { kind } = definition;
    const form = 'type' in kind ? kind.type.id : 'uuid';
    const ids = {
      name: () => `${this.name}-${definition.name}-${suffix()}`,
      uuid: () => randomUUID() as string,
      hex: () => randomBytes(16).toString('hex'),
      none: () => '',
    };
    return {
      definition,
      properties,
      physicalId: ids[form](),
      action: 'INIT',
      status: 'COMPLETE',
      reason: '',
      createdAt: now,
      updatedAt: now,
      data:
        kind.name === 'OS::Heat::RandomString' ? { value: suffix(Number(properties['length'] ?? 32)) } : {},
      attributes: {},
    };
  }

  #acts(): Step[] {
    return [...this.resources.values()].map((row) => ({ kind: 'act', next: row, old: row }));
  }

  #begin(step: Step): void {
    if (step.begunAt !== undefined) return;
    step.begunAt = this.#host.now();
    const { next, old } = step;
    if (step.kind === 'create' || step.kind === 'replace') {
      if (old && old.status !== 'FAILED') {
        this.#mark(old, 'UPDATE', 'IN_PROGRESS');
        this.#mark(old, 'UPDATE', 'COMPLETE', `The Resource ${next.definition.name} requires replacement.`);
      }
      this.resources.set(next.definition.name, next);
      const action = this.action === 'ADOPT' ? 'ADOPT' : 'CREATE';
      this.#mark(next, action, 'IN_PROGRESS');
      if (next.child) {
        this.#host.add(next.child);
        next.child.start('CREATE');
      }
    } else if (step.kind === 'update') {
      this.#mark(old ?? next, 'UPDATE', 'IN_PROGRESS');
      if (step.inputs) next.child?.start('UPDATE', step.inputs);
    } else {
      const action = step.kind === 'delete' ? 'DELETE' : this.action;
      if (action === 'CHECK' && !isChecked(next)) return;
      this.#mark(next, action, 'IN_PROGRESS');
      next.child?.start(action);
    }
  }

  #end(step: Step, failure: string | undefined): void {
    const { next, old } = step;
    const { name } = next.definition;
    step.isOver = true;
    next.child?.finish();
    if (step.kind === 'update' && old) {
      next.action = old.action;
      this.resources.set(name, next);
    }
    if (failure !== undefined) {
      if (!next.child && step.kind === 'create') next.physicalId = '';
      this.#mark(next, next.action, 'FAILED', failure);
      return;
    }
    if (this.action === 'CHECK' && !isChecked(next)) {
      this.#mark(next, 'CHECK', 'COMPLETE', `CHECK not supported for ${next.definition.kind.name}`);
      return;
    }
    this.#mark(next, next.action, 'COMPLETE');
    if (step.kind === 'delete') this.resources.delete(name);
    if (step.kind === 'replace' && old) {
      this.#mark(old, 'DELETE', 'IN_PROGRESS');
      old.child?.start('DELETE');
      old.child?.finish();
      this.#mark(old, 'DELETE', 'COMPLETE');
    }
  }

  #failureOf(step: Step, adopted: JsonObject | undefined): string | undefined {
    const { next } = step;
    const { name, kind } = next.definition;
    if (adopted) {
      const data = section(section(adopted, 'resources'), name);
      if (typeof data['resource_id'] !== 'string')
        return `Exception: resources.${name}: Resource ID was not provided.`;
      next.physicalId = data['resource_id'];
      next.data = section(data, 'resource_data');
    }
    const isMade = step.kind === 'create' || step.kind === 'replace';
    if (kind.name === 'OS::Heat::TestResource' && next.properties['fail'] === true) {
      if (isMade || step.kind === 'update')
        return `ValueError: resources.${name}: Test Resource failed ${name}`;
    }
    if (kind.name === 'OS::Heat::WaitCondition' && isMade && !adopted) return this.#signalFailure(next);
    const child = next.child;
    child?.finish();
    if (child?.status !== 'FAILED') return undefined;
    // "Resource CREATE failed: ValueError: resources.t: …" of the inner stack.
    return child.reason
      .replace(/^Resource \w+ failed: /, '')
      .replace(/resources\./, `resources.${name}.resources.`);
  }

  /** Whether a resource has waited long enough, and got its signals. */
  #isReady({ next, kind, begunAt = 0 }: Step): boolean {
    const waited = this.#host.now() - begunAt;
    if (waited < 1000 * secondsOf(next, kind, this.action)) return false;
    if (
      next.definition.kind.name === 'OS::Heat::WaitCondition' &&
      (kind === 'create' || kind === 'replace')
    ) {
      const { timeout = 0, count = 1 } = next.properties;
      const signals = this.#signalsFor(next);
      const isDone = signals.length >= Number(count) || signals.some(({ status }) => status === 'FAILURE');
      if (!isDone && waited < Number(timeout) * 1000) return false;
    }
    if (next.child) next.child.#goOn(false);
    return !next.child?.isInProgress;
  }

  #signalFailure(condition: Resource): string | undefined {
    const { name } = condition.definition;
    const signals = this.#signalsFor(condition);
    const bad = signals
      .filter(({ status }) => status === 'FAILURE')
      .map(({ reason }) => String(reason ?? ''));
    if (bad.length > 0) return `WaitConditionFailure: resources.${name}: ${bad.join(';')}`;
    const count = Number(condition.properties['count'] ?? 1);
    if (signals.length >= count) return undefined;
    return `WaitConditionTimeout: resources.${name}: ${signals.length} of ${count} received`;
  }

  #signalsFor(condition: Resource): JsonObject[] {
    const handle = [...this.resources.values()].find(
      ({ physicalId }) => physicalId !== '' && physicalId === condition.properties['handle'],
    );
    return Object.values(handle?.data ?? {}).filter(isJsonObject);
  }

  /** What work leaves when something else takes its place: what has begun is done, the rest isn't there. */
  #settleResources(): void {
    for (const step of this.#work?.steps ?? []) {
      const { name } = step.next.definition;
      if (step.isOver) continue;
      if (step.begunAt !== undefined) this.#end(step, undefined);
      else if (step.kind === 'create') this.resources.delete(name);
    }
    this.#work = undefined;
    for (const child of this.children) if (child.isInProgress) child.finish();
  }

  #set(action: string, status: string, reason: string): void {
    Object.assign(this, { action, status, reason });
    this.#event({ name: this.name, type: 'OS::Heat::Stack', physicalId: this.id, properties: {} });
  }

  #mark(row: Resource, action: string, status: string, reason = STATE_CHANGED): void {
    Object.assign(row, { action, status, reason });
    if (!ACTS.includes(action)) row.updatedAt = this.#host.now();
    this.markEvent(row);
  }

  /** Writes the state of a resource down as an event. */
  markEvent(row: Resource): void {
    const { definition, physicalId, properties, action, status, reason } = row;
    this.#event({
      name: definition.name,
      type: definition.type,
      physicalId,
      properties,
      action,
      status,
      reason,
    });
  }

  #event(of: Pick<StackEvent, 'name' | 'type' | 'physicalId' | 'properties'> & Partial<StackEvent>): void {
    const { action, status, reason } = this;
    eventCount += 1;
    this.events.push({
      id: randomUUID(),
      stack: this,
      order: eventCount,
      time: this.#host.now(),
      action,
      status,
      reason,
      ...of,
    });
  }

  /** What functions of a template see: of resources that don't exist yet, nothing, unless they are planned. */
  scope(inputs = this.inputs, planned?: (name: string) => Resource | undefined): Scope {
    const base = emptyScope(inputs, this.parameters(inputs));
    const declared = section(inputs.template, 'resources');
    return {
      ...base,
      resource: (name) => {
        if (!Object.hasOwn(declared, name)) return undefined;
        const row = planned ? planned(name) : this.resources.get(name);
        if (!row || (!planned && row.action === 'INIT')) return { reference: name, attribute: () => null };
        return { reference: referenceOf(row), attribute: (key, path) => this.attribute(row, key, path) };
      },
    };
  }

  /** The value of an attribute of a resource. */
  attribute(row: Resource, name: string, path: Json[] = []): Json {
    const { child, definition, data, properties, attributes } = row;
    if (Object.hasOwn(attributes, name)) return at(attributes[name] ?? null, path);
    const { kind } = definition;
    if (row.action === 'CREATE' && row.status === 'FAILED') return null;
    if (child) return child.#attributeOfNested(kind.name === GROUP, name, path);
    const url = (): string => `${this.#host.urlOf(this)}/resources/${definition.name}/signal`;
    const signals = (): Json =>
      pythonJson(
        Object.fromEntries(this.#signalsFor(row).map(({ id, data: sent }) => [String(id), sent ?? null])),
      );
    const known: Record<string, () => Json> = {
      'OS::Heat::RandomString value': () => data['value'] ?? null,
      'OS::Heat::Value value': () => properties['value'] ?? null,
      'OS::Heat::TestResource output': () => properties['value'] ?? 'test_string',
      'OS::Heat::WaitCondition data': signals,
      'OS::Heat::WaitConditionHandle endpoint': url,
      'OS::Heat::WaitConditionHandle token': () => `token-of-${row.physicalId}`,
      'OS::Heat::WaitConditionHandle curl_cli': () =>
        `curl -i -X POST -H 'X-Auth-Token: token-of-${row.physicalId}' -H 'Content-Type: application/json' ${url()}`,
    };
    const otherwise = 'type' in kind ? kind.type.attributes?.[name] : undefined;
    return at(known[`${kind.name} ${name}`]?.() ?? otherwise ?? null, path);
  }

  #attributeOfNested(isGroup: boolean, name: string, path: Json[]): Json {
    const members = [...this.resources.values()];
    const [, inner, key] = /^resource\.([^.]+)(?:\.(.+))?$/.exec(name) ?? [];
    if (inner !== undefined) {
      const row = this.resources.get(inner);
      if (!row) return null;
      return key === undefined ? referenceOf(row) : this.attribute(row, key, path);
    }
    if (!isGroup) {
      const output = section(section(this.inputs.template, 'outputs'), name);
      return at(this.outputValue(output).value, path);
    }
    if (name === 'refs') return at(members.map(referenceOf), path);
    if (name === 'removed_rsrc_list') return [];
    const [of = '', ...rest] = name === 'attributes' ? path : [name, ...path];
    const values = members.map((row) => [
      row.definition.name,
      name === 'refs_map' ? referenceOf(row) : this.attribute(row, String(of), rest),
    ]);
    if (name === 'refs_map' || name === 'attributes') return Object.fromEntries(values) as JsonObject;
    return values.map(([, value]) => value ?? null);
  }

  /** The value of an output, or why it has none. */
  outputValue(output: JsonObject): { value: Json; error?: string } {
    try {
      return { value: resolve(output['value'] ?? null, this.scope()) };
    } catch (error) {
      if (error instanceof Refusal) return { value: null, error: error.told ?? '' };
      throw error;
    }
  }

  /** What an abandon gives, or a snapshot keeps. */
  exported(withResources = true): JsonObject {
    const rows = withResources ? [...this.resources.values()] : [];
    return {
      name: this.name,
      id: this.id,
      action: this.action,
      environment: this.inputs.environment,
      files: this.inputs.files,
      status: this.status,
      template: this.inputs.template,
      resources: Object.fromEntries(rows.map((row) => [row.definition.name, exportedResource(row)])),
      project_id: this.projectId,
      stack_user_project_id: this.userProjectId,
      tags: this.tags,
    };
  }

  /** Begins a snapshot; the stack is in progress until it is complete. */
  takeSnapshot(name: Json): Snapshot {
    const snapshot: Snapshot = {
      id: randomUUID(),
      name,
      status: 'IN_PROGRESS',
      reason: null,
      data: this.exported(false),
      createdAt: this.#host.now(),
      inputs: this.inputs,
    };
    this.snapshots.push(snapshot);
    this.start('SNAPSHOT');
    return snapshot;
  }
}

/** Actions that leave what a stack consists of as it is. */
const ACTS = ['SUSPEND', 'RESUME', 'CHECK', 'SNAPSHOT'];

function empty(inputs: Inputs): Inputs {
  const { heat_template_version: version } = inputs.template;
  return { ...inputs, template: { heat_template_version: version ?? null } };
}

function changeOf(
  old: Resource,
  definition: Definition,
  properties: JsonObject,
): 'keep' | 'update' | 'replace' {
  const { kind } = definition;
  if (old.status === 'FAILED' || properties['update_replace'] === true) return 'replace';
  const given = 'type' in kind ? withDefaults(kind.type, properties) : properties;
  const had = 'type' in kind ? withDefaults(kind.type, old.properties) : old.properties;
  const changed = [...new Set([...Object.keys(given), ...Object.keys(had)])].filter(
    (name) => canonicalJson(given[name]) !== canonicalJson(had[name]),
  );
  if ('type' in kind && changed.some((name) => isReplacedBy(kind.type, name))) return 'replace';
  // What is a stack itself is always gone through.
  if (changed.length > 0 || old.child) return 'update';
  return canonicalJson(definition.metadata) === canonicalJson(old.definition.metadata) ? 'keep' : 'update';
}

function isChecked({ definition, child }: Resource): boolean {
  return child !== undefined || ('type' in definition.kind && definition.kind.type.checked === true);
}

/** The inputs of the stack that a resource is. */
function nestedInputs(template: JsonObject, properties: JsonObject, { environment, files }: Inputs): Inputs {
  const declared = section(template, 'parameters');
  const parameters = Object.entries(properties).filter(([key]) => Object.hasOwn(declared, key));
  const own = { ...environment, parameters: Object.fromEntries(parameters) as JsonObject };
  return { template, environment: own, files };
}

/** What `get_resource` gives. */
function referenceOf(row: Resource): Json {
  const { kind, name } = row.definition;
  if (kind.name === 'OS::Heat::RandomString') return row.data['value'] ?? null;
  if (row.child && kind.name !== GROUP) {
    return `arn:openstack:heat::${row.child.projectId}:stacks/${row.child.name}/${row.child.id}`;
  }
  return row.physicalId || name;
}

function exportedResource(row: Resource): JsonObject {
  const { definition, physicalId, action, status, data, properties, child } = row;
  if (child) return child.exported();
  const isTest = definition.kind.name === 'OS::Heat::TestResource';
  return {
    name: definition.name,
    resource_id: physicalId || null,
    type: definition.type,
    action,
    status,
    metadata: definition.metadata,
    resource_data: isTest ? { value: properties['value'] ?? 'test_string' } : data,
  };
}

/** How long a resource takes, in seconds. */
function secondsOf({ definition, properties }: Resource, kind: Step['kind'], stackAction: string): number {
  const action = kind === 'act' ? stackAction : kind === 'replace' ? 'CREATE' : kind.toUpperCase();
  const { wait_secs: seconds = 0, action_wait_secs: ofActions, min_wait: least = 0, actions } = properties;
  if (definition.kind.name === 'OS::Heat::TestResource') {
    const own = isJsonObject(ofActions) ? ofActions[action.toLowerCase()] : undefined;
    // -1 is for ever.
    return Number(own ?? seconds) < 0 ? Number.POSITIVE_INFINITY : Number(own ?? seconds);
  }
  const isDelayed = Array.isArray(actions) ? actions.includes(action) : action === 'CREATE';
  return definition.kind.name === 'OS::Heat::Delay' && isDelayed ? Number(least) : 0;
}

/** What must be over before a step. */
function needsOf({ kind, next }: Step): string[] {
  return kind === 'delete' || kind === 'act' ? [] : next.definition.needs;
}

const LETTERS = 'abcdefghijklmnopqrstuvwxyz0123456789';

function suffix(length = 12): string {
  return Array.from({ length }, () => LETTERS[randomInt(LETTERS.length)]).join('');
}

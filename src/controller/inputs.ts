import { clip } from '../api/clip.ts';
import { DIGEST_PARAMETER } from '../api/constants.ts';
import { parseDuration } from '../api/duration.ts';
import type { HeatStackSpec } from '../api/heat-stack.ts';
import { isJsonObject, isTooDeep, type Json, type JsonObject, MAX_DEPTH } from '../json.ts';
import { isOpenStackError, mergeEnvironments } from '../openstack/index.ts';
import { parseYamlMap, YamlError } from '../yaml.ts';
import { hiddenValues } from './hidden-parameters.ts';
import { InputError, type InputReader, InputSources } from './input-sources.ts';

/** What is sent to Heat, in full, with every create and update. */
export interface StackInputs {
  template: string | JsonObject;
  files: Record<string, string>;
  environment: JsonObject;
  parameters: JsonObject;
  /** The user's tags; the operator's own are added when they are sent. */
  tags: string[];
  timeoutMins: number;
  disableRollback: boolean;
}

/** The wanted stack. */
export interface Desired {
  inputs: StackInputs;
  /** The digest of the inputs. */
  digest: string;
  /** Values that must not be shown: from Secrets and of hidden parameters. */
  secrets: Json[];
}

const VERSION_KEYS = new Set(['heat_template_version', 'AWSTemplateFormatVersion']);
/** As many as the CRD lets `spec.files` and `spec.parameters` hold. */
const MAX_FILES = 256;
const MAX_PARAMETERS = 1000;

/**
 * Resolves everything that a spec refers to.
 *
 * @param digest the digest of these inputs for this object
 * @throws InputError naming the object, the field and the cure.
 */
export async function resolveInputs(
  spec: HeatStackSpec,
  reader: InputReader,
  digest: (inputs: StackInputs) => string,
): Promise<Desired> {
  checkDepth(spec);
  const sources = new InputSources(reader);
  const inputs: StackInputs = {
    template: await resolveTemplate(spec.template ?? {}, sources),
    files: await resolveFiles(spec, sources),
    environment: await resolveEnvironment(spec.environments ?? [], sources),
    parameters: await resolveParameters(spec, sources),
    tags: [...new Set(spec.tags ?? [])].sort(),
    timeoutMins: Math.max(1, Math.ceil(parseDuration(spec.timeout) / 60_000)),
    disableRollback: !spec.rollbackOnFailure,
  };
  checkSize(inputs);
  return { inputs, digest: digest(inputs), secrets: [...sources.hidden, ...hiddenValues(inputs)] };
}

/** The environment with the digest in it: it comes back with the inputs that are live, also after a rollback. */
export function markedEnvironment(environment: JsonObject, digest: string): JsonObject {
  const defaults = environment['parameter_defaults'];
  return {
    ...environment,
    parameter_defaults: { ...(isJsonObject(defaults) ? defaults : {}), [DIGEST_PARAMETER]: digest },
  };
}

/** The digest in an environment that was read from Heat. */
export function digestMarker(environment: JsonObject): string | undefined {
  const defaults = environment['parameter_defaults'];
  const marker = isJsonObject(defaults) ? defaults[DIGEST_PARAMETER] : undefined;
  return typeof marker === 'string' ? marker : undefined;
}

/** The API server takes any depth, and what walks the values doesn't. */
function checkDepth({ template, environments, parameters }: HeatStackSpec): void {
  const parts: [field: string, value: unknown][] = [
    ['spec.template.object', template?.object],
    ['spec.environments', environments],
    ['spec.parameters', parameters],
  ];
  const [field] = parts.find(([, value]) => isTooDeep(value)) ?? [];
  if (field === undefined) return;
  throw new InputError(
    'InvalidConfiguration',
    `${field} is nested deeper than ${MAX_DEPTH} levels; make it flatter`,
  );
}

async function resolveTemplate(
  source: NonNullable<HeatStackSpec['template']>,
  sources: InputSources,
): Promise<string | JsonObject> {
  if (source.object !== undefined) return withDates(source.object);
  if (source.inline !== undefined) return notEmpty(source.inline, 'spec.template.inline');
  const found = await sources.text(source, 'spec.template');
  if (found) return notEmpty(found.text, found.place);
  throw new InputError(
    'InvalidConfiguration',
    'spec.template has no source; set inline, object, configMapKeyRef or secretKeyRef',
  );
}

/** Kustomize makes a time of an unquoted date (`2018-08-31T00:00:00Z`), but a template's version is only ever a date. */
function withDates(template: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(template).map(([key, value]) => [
      key,
      VERSION_KEYS.has(key) && typeof value === 'string' ? value.replace(/T00:00:00Z$/, '') : value,
    ]),
  );
}

function notEmpty(text: string, field: string): string {
  if (text.trim() === '')
    throw new InputError('InvalidConfiguration', `${field} is empty; it must hold a Heat template`);
  return text;
}

/** `spec.files` over those of `spec.filesFrom`, of which the later ones win. */
async function resolveFiles(
  { files = {}, filesFrom = [] }: HeatStackSpec,
  sources: InputSources,
): Promise<Record<string, string>> {
  const all = new Map<string, string>();
  for (const [index, source] of filesFrom.entries()) {
    const where = `spec.filesFrom[${index}]`;
    const object = await sources.map(source, where);
    if (!object) continue;
    const items = source.items?.map((item, at) => ({ ...item, place: `${where}.items[${at}]` }));
    for (const { key, path, place } of items ?? eachKey(object.keys, where)) {
      const text = object.take(key, place);
      if (text !== undefined) all.set(`${source.prefix ?? ''}${path}`, text);
      atMost(MAX_FILES, all, 'files', where);
    }
  }
  for (const [path, text] of Object.entries(files)) all.set(path, text);
  atMost(MAX_FILES, all, 'files', 'spec.files');
  return Object.fromEntries(all);
}

function* eachKey(
  keys: Iterable<string>,
  place: string,
): Iterable<{ key: string; path: string; place: string }> {
  for (const key of keys) yield { key, path: key, place };
}

function atMost(limit: number, { size }: ReadonlyMap<string, unknown>, what: string, where: string): void {
  if (size <= limit) return;
  throw new InputError(
    'InvalidConfiguration',
    `${where}: with it the stack has more than ${limit} ${what}; take fewer`,
  );
}

async function resolveEnvironment(
  list: NonNullable<HeatStackSpec['environments']>,
  sources: InputSources,
): Promise<JsonObject> {
  const environments: JsonObject[] = [];
  const hiddenOnes = new Set<JsonObject>();
  let bytes = 0;
  for (const [index, source] of list.entries()) {
    const where = `spec.environments[${index}]`;
    if (source.object !== undefined) {
      environments.push(source.object);
      continue;
    }
    const inline = { text: source.inline ?? '', place: `${where}.inline`, hidden: false };
    const { text, place, hidden } = (await sources.text(source, where)) ?? inline;
    // Before they are read, which is dear.
    bytes += Buffer.byteLength(text);
    if (bytes > MAX_BYTES) throw tooLarge(`spec.environments have more than ${inKiB(MAX_BYTES)} of text`);
    const environment = readEnvironment(text, place);
    if (hidden) {
      hideValues(environment, sources);
      hiddenOnes.add(environment);
    }
    environments.push(environment);
  }
  let at = 0;
  try {
    return mergeEnvironments(environments, (index) => {
      at = index;
      return `spec.environments[${index}]`;
    });
  } catch (error) {
    if (!isOpenStackError(error, 'ConfigError')) throw error;
    const isHidden = hiddenOnes.has(environments[at] ?? {});
    throw new InputError('InvalidConfiguration', isHidden ? noEnvironment(at) : error.message);
  }
}

/** The text of a Secret isn't quoted, not even its keys: it may be no environment at all. */
function noEnvironment(index: number): string {
  return `spec.environments[${index}].secretKeyRef: it has a section, or a merge strategy, that Heat doesn't know, or one of the wrong kind; correct it`;
}

function readEnvironment(text: string, place: string): JsonObject {
  try {
    return parseYamlMap(text);
  } catch (error) {
    if (!(error instanceof YamlError)) throw error;
    throw new InputError('InvalidConfiguration', `${place}: ${error.message}; correct it`);
  }
}

/** Hides the values of an environment's parameters; the whole text is hidden already. */
function hideValues(environment: JsonObject, sources: InputSources): void {
  for (const section of ['parameters', 'parameter_defaults']) {
    const values = environment[section];
    if (isJsonObject(values)) for (const value of Object.values(values)) sources.hide(value);
  }
}

/** `spec.parameters` over `spec.parameterValues` over `spec.parametersFrom`, of which the later ones win. */
async function resolveParameters(
  { parameters = {}, parametersFrom = [], parameterValues = [] }: HeatStackSpec,
  sources: InputSources,
): Promise<JsonObject> {
  const all = new Map<string, Json>();
  for (const [index, source] of parametersFrom.entries()) {
    const where = `spec.parametersFrom[${index}]`;
    const object = await sources.map(source, where);
    for (const key of object?.keys ?? []) {
      const text = object?.take(key, where);
      if (text !== undefined) all.set(`${source.prefix ?? ''}${key}`, text);
      atMost(MAX_PARAMETERS, all, 'parameters', where);
    }
  }
  for (const [index, { name, valueFrom }] of parameterValues.entries()) {
    const where = `spec.parameterValues[${index}].valueFrom`;
    const { heatStackOutputRef, optional = false } = valueFrom;
    const value = heatStackOutputRef
      ? await sources.output(heatStackOutputRef, where, { optional })
      : (await sources.text(valueFrom, where, { optional }))?.text;
    if (value !== undefined) all.set(name, value);
  }
  for (const [name, value] of Object.entries(parameters)) if (value !== null) all.set(name, value);
  atMost(MAX_PARAMETERS, all, 'parameters', 'spec.parameters');
  return Object.fromEntries(all);
}

/** What Heat takes in a request (`max_json_body_size`), unless its administrator changed it. */
const MAX_BYTES = 1024 * 1024;

/** Tells what is too large before Heat refuses the whole. */
function checkSize({ template, files, environment, parameters }: StackInputs): void {
  const bytesOf = new Map<string, number>();
  for (const [name, text] of Object.entries(files)) bytesOf.set(name, Buffer.byteLength(text));
  const filesBytes = bytesOf.values().reduce((sum, bytes) => sum + bytes, 0);
  const parts: [part: string, bytes: number][] = [
    ['template', jsonBytes(template)],
    // Many large ones aren't written as JSON only to be counted.
    ['files', filesBytes > MAX_BYTES ? filesBytes : jsonBytes(files)],
    ['environment', jsonBytes(environment)],
    ['parameters', jsonBytes(parameters)],
  ];
  const total = parts.reduce((sum, [, bytes]) => sum + bytes, 0);
  if (total <= MAX_BYTES) return;
  const [largest] = [...bytesOf].sort(([, a], [, b]) => b - a);
  const list = parts.map(([part, bytes]) => {
    const which = part === 'files' && largest ? `, the largest "${clip(largest[0], 128)}"` : '';
    return `${part} ${inKiB(bytes)}${which}`;
  });
  throw tooLarge(`the inputs need ${inKiB(total)} (${list.join('; ')})`);
}

function tooLarge(what: string): InputError {
  return new InputError(
    'InvalidConfiguration',
    `${what}, and Heat takes ${inKiB(MAX_BYTES)} in a request; make them smaller`,
  );
}

function jsonBytes(value: Json): number {
  return Buffer.byteLength(JSON.stringify(value));
}

function inKiB(bytes: number): string {
  return `${Math.ceil(bytes / 1024)} KiB`;
}

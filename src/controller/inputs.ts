import { DIGEST_PARAMETER } from '../api/constants.ts';
import { parseDuration } from '../api/duration.ts';
import type { HeatStackSpec } from '../api/heat-stack.ts';
import { isJsonObject, isTooDeep, type Json, type JsonObject, MAX_DEPTH, parseJson } from '../json.ts';
import { isOpenStackError, mergeEnvironments } from '../openstack/index.ts';
import { parseYaml, parseYamlMap, YamlError } from '../yaml.ts';
import { DIGEST_KEY_SECRET } from './operator-keys.ts';

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

/** Inputs that can't be used. */
export class InputError extends Error {
  override readonly name = 'InputError';
  readonly reason: 'DependencyNotReady' | 'InvalidConfiguration';

  /**
   * @param reason `DependencyNotReady` heals by itself when the object appears, `InvalidConfiguration` doesn't.
   */
  constructor(reason: 'DependencyNotReady' | 'InvalidConfiguration', message: string) {
    super(message);
    this.reason = reason;
  }
}

/** Reads one key of a ConfigMap or Secret of the HeatStack's namespace. */
export interface ReferenceReader {
  /** The data of the object, decoded; `undefined` when there is no such object. */
  read(kind: 'ConfigMap' | 'Secret', name: string): Promise<ReadonlyMap<string, string> | undefined>;
}

/**
 * Resolves everything that a spec refers to.
 *
 * @param digest the digest of these inputs for this object
 * @throws InputError naming the object, the field and the cure.
 */
export async function resolveInputs(
  spec: HeatStackSpec,
  reader: ReferenceReader,
  digest: (inputs: StackInputs) => string,
): Promise<Desired> {
  checkDepth(spec);
  const secrets: Json[] = [];
  const template = await resolveTemplate(spec.template ?? {}, reader, secrets);
  const files = spec.files ?? {};
  const environment = resolveEnvironment(spec.environments ?? []);
  const parameters = Object.fromEntries(
    Object.entries(spec.parameters ?? {}).filter(([, value]) => value !== null),
  );
  const inputs: StackInputs = {
    template,
    files,
    environment,
    parameters,
    tags: [...new Set(spec.tags ?? [])].sort(),
    timeoutMins: Math.max(1, Math.ceil(parseDuration(spec.timeout) / 60_000)),
    disableRollback: !spec.rollbackOnFailure,
  };
  secrets.push(...hiddenValues(inputs));
  return { inputs, digest: digest(inputs), secrets };
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
  reader: ReferenceReader,
  secrets: Json[],
): Promise<string | JsonObject> {
  if (source.object !== undefined) return withDates(source.object);
  if (source.inline !== undefined) return notEmpty(source.inline, 'spec.template.inline');
  if (source.configMapKeyRef)
    return readKey(reader, 'ConfigMap', source.configMapKeyRef, 'spec.template.configMapKeyRef');
  if (source.secretKeyRef) {
    const text = await readKey(reader, 'Secret', source.secretKeyRef, 'spec.template.secretKeyRef');
    secrets.push(text);
    return text;
  }
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

async function readKey(
  reader: ReferenceReader,
  kind: 'ConfigMap' | 'Secret',
  ref: { name: string; key: string },
  field: string,
): Promise<string> {
  // Where the operator's own namespace is open to others, its key mustn't end up in a stack of theirs.
  if (kind === 'Secret' && ref.name === DIGEST_KEY_SECRET) {
    throw new InputError(
      'InvalidConfiguration',
      `${field}: Secret "${ref.name}" is the operator's own; name another one`,
    );
  }
  const data = await reader.read(kind, ref.name);
  if (!data)
    throw new InputError(
      'DependencyNotReady',
      `${field}: there is no ${kind} "${ref.name}" in this namespace; create it or correct the name`,
    );
  const text = data.get(ref.key);
  if (text === undefined) {
    throw new InputError(
      'DependencyNotReady',
      `${field}: ${kind} "${ref.name}" has no key "${ref.key}"; add it or correct the key`,
    );
  }
  return notEmpty(text, field);
}

function notEmpty(text: string, field: string): string {
  if (text.trim() === '')
    throw new InputError('InvalidConfiguration', `${field} is empty; it must hold a Heat template`);
  return text;
}

function resolveEnvironment(sources: NonNullable<HeatStackSpec['environments']>): JsonObject {
  const placeOf = (index: number): string => `spec.environments[${index}]`;
  try {
    return mergeEnvironments(
      sources.map((source, index) => {
        if (source.object !== undefined) return source.object;
        try {
          return parseYamlMap(source.inline ?? '');
        } catch (error) {
          if (!(error instanceof YamlError)) throw error;
          throw new InputError(
            'InvalidConfiguration',
            `${placeOf(index)}.inline: ${error.message}; correct it`,
          );
        }
      }),
      placeOf,
    );
  } catch (error) {
    if (isOpenStackError(error, 'ConfigError')) throw new InputError('InvalidConfiguration', error.message);
    throw error;
  }
}

/**
 * What is read for hidden parameters of one HeatStack's texts together, in characters: as much as Heat's own limit for a
 * template (max_template_size). Any parameter may be hidden by what is beyond it.
 */
const MAX_READ_LENGTH = 512 * 1024;
/** The keys that hide a parameter, and escapes with which YAML and JSON can write them: letters, and a joined line. */
const MAY_HIDE = /hidden|NoEcho|\\(?:[xuU]0*[46]|[\r\n])/;
/** The key that each template has, or one with an escape. */
const MAY_BE_TEMPLATE = /heat_template_version|TemplateFormatVersion|"[^"\\\n]*\\[^"\n]*" *:/;

/** Values of the parameters that the template, or a nested one, declares as hidden. */
function hiddenValues({ template, files, environment, parameters }: StackInputs): Json[] {
  const hidden: Hidden = new Map();
  let unread = false;
  let left = MAX_READ_LENGTH;
  for (const text of [template, ...Object.values(files)]) {
    if (typeof text === 'string') {
      // Reading YAML is dear, and few templates have hidden parameters.
      if (!MAY_HIDE.test(text)) continue;
      if (text.length > left) {
        unread ||= MAY_BE_TEMPLATE.test(text);
        continue;
      }
      left -= text.length;
    }
    unread = !findHidden(text, hidden) || unread;
  }
  const values: Json[] = [...hidden.values()].flatMap((parameter) => parameter.values);
  const sections = [parameters, environment['parameters'], environment['parameter_defaults']];
  for (const section of sections) {
    if (!isJsonObject(section)) continue;
    for (const [name, value] of Object.entries(section)) {
      const types = hidden.get(name)?.types;
      if (unread || types) values.push(value, ...members(value, types ?? []));
    }
  }
  return values;
}

/** Hidden parameters by name: the values that templates give, and the types that they declare. */
type Hidden = Map<string, { values: Json[]; types: Json[] }>;

/** What Heat reads in the text of a list or JSON: it quotes the members one by one. */
function members(value: Json, types: readonly Json[]): Json[] {
  if (typeof value !== 'string') return [];
  const declared = types.join(' ').toLowerCase();
  const found: Json[] = [];
  if (declared.includes('list')) found.push(value.split(','));
  if (declared.includes('json')) {
    try {
      found.push(parseJson(value));
    } catch {
      // Heat refuses it, too.
    }
  }
  return found;
}

/**
 * Adds the names of hidden parameters with the values that stand in the template itself.
 *
 * @returns false when it is a template that can't be read here, though Heat may: then any parameter may be hidden.
 */
function findHidden(template: string | JsonObject, hidden: Hidden): boolean {
  if (typeof template === 'string') {
    let parsed: Json;
    try {
      parsed = parseYaml(template, { uniqueKeys: false });
    } catch {
      return !MAY_BE_TEMPLATE.test(template);
    }
    return isJsonObject(parsed) ? findHidden(parsed, hidden) : true;
  }
  const declared = template['parameters'] ?? template['Parameters'];
  if (!isJsonObject(declared)) return true;
  for (const [name, schema] of Object.entries(declared)) {
    if (!isJsonObject(schema) || !(isSet(schema['hidden']) || isSet(schema['NoEcho']))) continue;
    const { values, types } = hidden.get(name) ?? { values: [], types: [] };
    types.push(schema['type'] ?? schema['Type'] ?? '');
    const preset = schema['default'] ?? schema['Default'];
    if (preset !== undefined && preset !== null) values.push(preset, ...members(preset, types));
    hidden.set(name, { values, types });
  }
  return true;
}

/** Heat takes any text but an empty one for true in `hidden`, so in doubt it is. */
function isSet(value: Json | undefined): boolean {
  return !(value === undefined || value === null || value === 0 || /^(false|)$/i.test(String(value)));
}

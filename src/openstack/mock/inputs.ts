import { isJsonObject, type Json, type JsonObject, parseJson } from '../../json.ts';
import { parseYaml, YamlError } from '../../yaml.ts';
import { badRequest, invalid, Refusal, tooLarge } from './answer.ts';
import { parameterSchemas, section } from './parameters.ts';

/** Heat's `max_template_size`, in characters. */
const MAX_TEMPLATE = 524_288;
const MAX_TAG = 80;
const VERSIONS = [
  ...['2013-05-23', '2014-10-16', '2015-04-30', '2015-10-15', '2016-04-08', '2016-10-14', '2017-02-24'],
  ...['2017-09-01', '2018-03-02', '2018-08-31', '2021-04-16'],
  ...['newton', 'ocata', 'pike', 'queens', 'rocky', 'wallaby'],
];
const SECTIONS = [
  ...['parameters', 'parameter_defaults', 'resource_registry', 'encrypted_param_names', 'event_sinks'],
  'parameter_merge_strategies',
];

/** What a request gives of a stack's definition. */
export interface Inputs {
  template: JsonObject;
  environment: JsonObject;
  files: JsonObject;
}

/**
 * The inputs of a create, an update or a preview.
 *
 * @param existing what a PATCH begins with
 * @throws Refusal
 */
export function readInputs(body: JsonObject, existing?: Inputs): Inputs {
  const template = readTemplate(body, existing?.template);
  // Heat's API layer reads the environment before its engine looks at the template.
  const given = readEnvironment(body);
  checkVersion(template);
  const files = { ...existing?.files, ...section(body, 'files') };
  const declared = parameterSchemas(template);
  const environment = existing ? mergeEnvironments(existing.environment, given) : given;
  readEnvironmentFiles(body['environment_files'], files, environment, declared);
  if (existing) {
    const cleared = body['clear_parameters'];
    const parameters = Object.entries(section(environment, 'parameters')).filter(
      ([name]) =>
        Object.hasOwn(declared, name) &&
        !(
          Array.isArray(cleared) &&
          cleared.includes(name) &&
          !Object.hasOwn(section(given, 'parameters'), name)
        ),
    );
    environment['parameters'] = Object.fromEntries(parameters);
  }
  return { template, environment, files };
}

function readTemplate(body: JsonObject, existing: JsonObject | undefined): JsonObject {
  const adopted = body['adopt_stack_data'];
  if (adopted !== undefined) {
    const { template } = readAdopted(adopted);
    if (isJsonObject(template)) return template;
    throw badRequest("Invalid adopt data: 'template'");
  }
  const source = body['template'];
  if (isJsonObject(source)) return source;
  if (source === undefined || source === null) {
    if (body['template_url'] !== undefined && source !== null) {
      throw badRequest('Could not retrieve template: the mock of Heat fetches nothing');
    }
    if (existing) return existing;
    throw badRequest('No template specified');
  }
  const text = String(source);
  if (text.length > MAX_TEMPLATE) throw tooLarge('Template', text.length, MAX_TEMPLATE);
  const template = readText(text, (what) => {
    return badRequest(`Template not in valid format: Error parsing template [root stack] ${what}`);
  });
  if (template !== null && !isJsonObject(template)) {
    throw badRequest('Template not in valid format: The template is not a JSON object or YAML mapping.');
  }
  const known = ['heat_template_version', 'HeatTemplateFormatVersion', 'AWSTemplateFormatVersion'];
  if (!template || !known.some((key) => key in template)) {
    throw badRequest('Template not in valid format: Template format version not found.');
  }
  return template;
}

/** The data of an abandoned stack. */
export function readAdopted(data: Json): JsonObject {
  const read =
    typeof data === 'string' ? readText(data, (what) => badRequest(`Invalid adopt data: ${what}`)) : data;
  if (!isJsonObject(read)) throw badRequest('Invalid adopt data: it is no mapping');
  return read;
}

/** JSON or YAML. */
function readText(text: string, refusal: (what: string) => Refusal): Json {
  try {
    return parseJson(text);
  } catch {
    try {
      return parseYaml(text, { uniqueKeys: false, maxLength: Number.POSITIVE_INFINITY });
    } catch (error) {
      if (error instanceof YamlError) throw refusal(error.message);
      throw error;
    }
  }
}

function checkVersion(template: JsonObject): void {
  const said = (what: string): Refusal =>
    invalid(`The template version is invalid: ${what}`, 'InvalidTemplateVersion');
  const version = template['heat_template_version'];
  if (version === undefined) {
    const other = Object.keys(template).find((key) => key.endsWith('TemplateFormatVersion'));
    throw said(other ? `the mock of Heat reads no ${other}` : 'Template version was not provided');
  }
  if (VERSIONS.includes(String(version))) return;
  const list = VERSIONS.join(', ');
  throw said(
    `"heat_template_version: ${String(version)}". "heat_template_version" should be one of: ${list}`,
  );
}

/** The environment of a request, with its parameters. With `environment_files`, Heat ignores it. */
function readEnvironment(body: JsonObject): JsonObject {
  const files = body['environment_files'];
  const ignored = Array.isArray(files) && files.length > 0;
  const environment = parseEnvironment(ignored ? {} : (body['environment'] ?? {}));
  const { parameters, ...others } = environment;
  if (parameters !== undefined && !isJsonObject(parameters)) throw new Refusal(400, 'AttributeError');
  return {
    resource_registry: { resources: {}, ...section(others, 'resource_registry') },
    parameters: { ...parameters, ...section(body, 'parameters') },
    parameter_defaults: { ...section(others, 'parameter_defaults') },
    event_sinks: others['event_sinks'] ?? [],
  };
}

function parseEnvironment(source: Json): JsonObject {
  const refusal = (what: string): Refusal => badRequest(`Environment not in valid format: ${what}`);
  const read = (typeof source === 'string' ? readText(source, refusal) : source) ?? {};
  if (!isJsonObject(read)) throw refusal('The environment is not a valid YAML mapping data type.');
  for (const [name, value] of Object.entries(read)) {
    if (!SECTIONS.includes(name)) throw refusal(`environment has wrong section "${name}"`);
    if (value === null) throw refusal(`environment has empty section "${name}"`);
  }
  return read;
}

function mergeEnvironments(below: JsonObject, above: JsonObject): JsonObject {
  const merged: JsonObject = { ...below };
  for (const name of ['resource_registry', 'parameters', 'parameter_defaults']) {
    merged[name] = { ...section(below, name), ...section(above, name) };
  }
  return merged;
}

/** Heat merges files over the parameters of the request, and of all but the first it drops unknown defaults. */
function readEnvironmentFiles(
  names: Json | undefined,
  files: JsonObject,
  environment: JsonObject,
  declared: JsonObject,
): void {
  if (!Array.isArray(names)) return;
  for (const [index, name] of names.entries()) {
    const file = files[String(name)];
    if (file === undefined) throw new Refusal(500, 'KeyError');
    const read = parseEnvironment(file);
    const defaults = Object.entries(section(read, 'parameter_defaults'));
    read['parameter_defaults'] = Object.fromEntries(
      defaults.filter(([key]) => index === 0 || Object.hasOwn(declared, key)),
    );
    Object.assign(environment, mergeEnvironments(environment, read));
  }
}

/** The arguments of a create or update beside its inputs. */
export interface Arguments {
  tags?: string[];
  timeoutMins?: number | null;
  disableRollback?: boolean;
}

/** @throws Refusal */
export function readArguments(body: JsonObject): Arguments {
  const { timeout_mins: timeout, tags, disable_rollback: rollback } = body;
  return {
    ...(timeout !== undefined && {
      timeoutMins: timeout === null ? null : readInteger('timeout_mins', timeout),
    }),
    ...(tags !== undefined && tags !== null && { tags: readTags(tags) }),
    ...(rollback !== undefined && { disableRollback: readStrictBoolean(rollback) }),
  };
}

/** Tags of a request, or of a filter. */
export function readTags(tags: Json): string[] {
  // Heat splits them; what can't be split is an accident to it.
  if (typeof tags !== 'string') throw new Refusal(400, 'AttributeError');
  const list = tags.split(',');
  const long = list.find((tag) => tag.length > MAX_TAG);
  if (long !== undefined) throw badRequest(`Invalid tag, "${long}" is longer than ${MAX_TAG} characters`);
  return list;
}

/** A whole number that isn't negative. */
export function readInteger(name: string, value: Json): number {
  if (!/^-?\d+$/.test(String(value))) throw badRequest(`Only integer is acceptable by '${name}'.`);
  if (Number(value) >= 0) return Number(value);
  throw badRequest(
    `Value '${String(value)}' is invalid for '${name}' which only accepts non-negative integer.`,
  );
}

export function readBoolean(name: string, value: Json): boolean {
  const text = String(value).toLowerCase();
  if (text === 'true' || text === 'false') return text === 'true';
  throw badRequest(
    `Unrecognized value "${String(value)}" for "${name}", acceptable values are: true, false.`,
  );
}

function readStrictBoolean(value: Json): boolean {
  const text = String(value).toLowerCase();
  if (text !== 'true' && text !== 'false') throw new Refusal(400, 'ValueError');
  return text === 'true';
}

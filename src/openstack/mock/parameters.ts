import { isJsonObject, isRawNumber, type Json, type JsonObject, parseJson, rawNumber } from '../../json.ts';
import { invalid } from './answer.ts';
import { pythonJson, pythonText } from './python.ts';

/** Types of parameters, and what `POST /validate` calls them. */
const TYPES: Record<string, string> = {
  string: 'String',
  number: 'Number',
  comma_delimited_list: 'CommaDelimitedList',
  json: 'Json',
  boolean: 'Boolean',
};
const TRUE = ['1', 't', 'true', 'on', 'y', 'yes'];
const FALSE = ['0', 'f', 'false', 'off', 'n', 'no'];

/** The parameters that a template declares. */
export function parameterSchemas(template: JsonObject): Record<string, JsonObject> {
  const declared = template['parameters'];
  const schemas = isJsonObject(declared) ? declared : {};
  for (const [name, schema] of Object.entries(schemas)) {
    const type = isJsonObject(schema) ? schema['type'] : undefined;
    if (type === undefined) {
      throw invalid(`Missing parameter type for parameter: ${name}`, 'InvalidSchemaError');
    }
    if (!Object.hasOwn(TYPES, String(type)))
      throw invalid(`Invalid type (${String(type)})`, 'InvalidSchemaError');
  }
  return schemas as Record<string, JsonObject>;
}

/** The parameters of a stack: what the template declares, and what the environment gives. */
export class Parameters {
  readonly schemas: Record<string, JsonObject>;
  readonly #environment: JsonObject;
  readonly #pseudo: JsonObject;

  constructor(template: JsonObject, environment: JsonObject, pseudo: JsonObject) {
    this.schemas = parameterSchemas(template);
    this.#environment = environment;
    this.#pseudo = pseudo;
  }

  /** The value that a template sees; undefined when there is none. */
  value(name: string): Json | undefined {
    if (Object.hasOwn(this.#pseudo, name)) return this.#pseudo[name];
    const given = this.#given(name);
    return given === undefined ? undefined : typed(this.schemas[name] ?? {}, given);
  }

  /** All values as Heat shows them: text, and hidden ones masked. */
  shown(): JsonObject {
    const names = Object.keys(this.schemas).filter((name) => this.#given(name) !== undefined);
    const own = names.map((name) => [name, isHidden(this.schemas[name]) ? '******' : this.#text(name)]);
    return { ...this.#pseudo, ...(Object.fromEntries(own) as JsonObject) };
  }

  /** @throws Refusal of what is given and not declared, declared and not given, or no value of its type. */
  check(): void {
    for (const name of Object.keys(section(this.#environment, 'parameters'))) {
      if (!Object.hasOwn(this.schemas, name)) {
        throw invalid(`The Parameter (${name}) was not defined in template.`, 'UnknownUserParameter');
      }
    }
    for (const [name, schema] of Object.entries(this.schemas)) {
      if (this.#given(name) === undefined) {
        throw invalid(`The Parameter (${name}) was not provided.`, 'UserParameterMissing');
      }
      const wrong = violation(schema, this.value(name) ?? null);
      if (wrong) throw invalid(`Parameter '${name}' is invalid: ${wrong}`);
    }
  }

  /** Names of immutable parameters whose value these others change. */
  changedImmutables(others: Parameters): string[] {
    return Object.keys(this.schemas).filter(
      (name) => this.schemas[name]?.['immutable'] === true && this.#text(name) !== others.#text(name),
    );
  }

  /** What `POST /validate` tells. */
  described(): JsonObject {
    return Object.fromEntries(
      Object.entries(this.schemas).map(([name, schema]) => {
        const user = section(this.#environment, 'parameters')[name];
        const described: JsonObject = {
          Type: TYPES[String(schema['type'])] ?? '',
          Description: schema['description'] ?? '',
          NoEcho: String(isHidden(schema)),
          Label: schema['label'] ?? name,
          ...(schema['default'] !== undefined && { Default: schema['default'] }),
          ...(user !== undefined && { Value: user }),
          ...(schema['tags'] !== undefined && { Tags: schema['tags'] }),
          ...describedConstraints(schema),
        };
        return [name, described];
      }),
    );
  }

  #given(name: string): Json | undefined {
    const sections = [
      section(this.#environment, 'parameters'),
      section(this.#environment, 'parameter_defaults'),
    ];
    for (const values of sections) if (Object.hasOwn(values, name)) return values[name];
    return this.schemas[name]?.['default'];
  }

  #text(name: string): string {
    const type = this.schemas[name]?.['type'];
    const value = this.value(name) ?? null;
    if (type === 'json') return pythonJson(value);
    if (Array.isArray(value)) return value.map(pythonText).join(',');
    return pythonText(type === 'number' ? (this.#given(name) ?? null) : value);
  }
}

/** A section of an environment. */
export function section(environment: JsonObject, name: string): JsonObject {
  const value = environment[name];
  return isJsonObject(value) ? value : {};
}

export function isHidden(schema: JsonObject | undefined): boolean {
  return [true, 'true', 'True'].includes((schema?.['hidden'] ?? false) as string);
}

/** A given value as a value of its type. What can't be one stays as it is. */
function typed(schema: JsonObject, given: Json): Json {
  switch (schema['type']) {
    case 'string':
      return pythonText(given);
    case 'number':
      return typeof given === 'string' ? numberOf(given) : given;
    case 'boolean': {
      const text = pythonText(given).toLowerCase();
      return TRUE.includes(text) ? true : FALSE.includes(text) ? false : given;
    }
    case 'comma_delimited_list':
      if (typeof given !== 'string') return given;
      return given === '' ? [] : given.split(',').map((each) => each.trim());
    default:
      try {
        return typeof given === 'string' ? parseJson(given || 'null') : given;
      } catch {
        return given;
      }
  }
}

function numberOf(text: string): Json {
  const value = Number(text);
  if (text.trim() === '' || Number.isNaN(value)) return text;
  return Number.isInteger(value) && !Number.isSafeInteger(value) ? rawNumber(text.trim()) : value;
}

/** What is wrong with a value, in Heat's words. */
function violation(schema: JsonObject, value: Json): string | undefined {
  const { type } = schema;
  if (type === 'number' && typeof value !== 'number' && !isRawNumber(value)) {
    return `could not convert string to float: '${pythonText(value)}'`;
  }
  if (type === 'boolean' && typeof value !== 'boolean') {
    const words = [...TRUE, ...FALSE].sort().map((word) => `'${word}'`);
    return `Unrecognized value '${pythonText(value)}', acceptable values are: ${words.join(', ')}`;
  }
  if (type === 'json' && typeof value === 'string') return 'Value must be valid JSON: it is none';
  for (const constraint of constraintsOf(schema)) {
    const wrong = constraintViolation(constraint, value);
    if (wrong) return String(constraint['description'] ?? wrong);
  }
  return undefined;
}

function constraintsOf(schema: JsonObject): JsonObject[] {
  const constraints = schema['constraints'];
  return Array.isArray(constraints) ? constraints.filter(isJsonObject) : [];
}

function constraintViolation(constraint: JsonObject, value: Json): string | undefined {
  const { length, range, allowed_values: allowed, allowed_pattern: pattern } = constraint;
  const text = pythonText(value);
  if (isJsonObject(length)) {
    const size = isJsonObject(value)
      ? Object.keys(value).length
      : Array.isArray(value)
        ? value.length
        : text.length;
    const wrong = outOfRange(length, size);
    if (wrong) return `length (${size}) ${wrong}`;
  }
  if (isJsonObject(range)) {
    const wrong = outOfRange(range, Number(text));
    if (wrong) return `${text} ${wrong}`;
  }
  if (Array.isArray(allowed)) {
    const words = allowed.map(pythonText);
    const stranger = (Array.isArray(value) ? value : [value]).find(
      (each) => !words.includes(pythonText(each)),
    );
    if (stranger !== undefined) {
      return `"${pythonText(stranger)}" is not an allowed value [${words.map((word) => `"${word}"`).join(', ')}]`;
    }
  }
  if (typeof pattern === 'string' && !new RegExp(`^(?:${pattern})$`).test(text)) {
    return `"${text}" does not match pattern "${pattern}"`;
  }
  return undefined;
}

function outOfRange({ min = null, max = null }: JsonObject, value: number): string | undefined {
  const fits = (min === null || value >= Number(min)) && (max === null || value <= Number(max));
  return fits ? undefined : `is out of range (min: ${pythonText(min)}, max: ${pythonText(max)})`;
}

function describedConstraints(schema: JsonObject): JsonObject {
  const described: JsonObject = {};
  const descriptions: Json[] = [];
  for (const { length, range, allowed_values, allowed_pattern, description } of constraintsOf(schema)) {
    for (const [bounds, name] of [
      [length, 'Length'],
      [range, 'Value'],
    ] as const) {
      if (!isJsonObject(bounds)) continue;
      if (bounds['min'] !== undefined) described[`Min${name}`] = bounds['min'];
      if (bounds['max'] !== undefined) described[`Max${name}`] = bounds['max'];
    }
    if (allowed_values !== undefined) described['AllowedValues'] = allowed_values;
    if (allowed_pattern !== undefined) described['AllowedPattern'] = allowed_pattern;
    if (description !== undefined) descriptions.push(description);
  }
  return { ...described, ...(descriptions.length > 0 && { ConstraintDescription: descriptions.join(' ') }) };
}

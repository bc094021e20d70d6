import { isJsonObject, type Json, type JsonObject, parseJson } from '../json.ts';
import { parseYaml } from '../yaml.ts';
import type { StackInputs } from './inputs.ts';

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
export function hiddenValues({ template, files, environment, parameters }: StackInputs): Json[] {
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

import * as v from 'valibot';
import type { Json, JsonObject } from '../json.ts';
import { jsonObject } from './answer.ts';
import { type Answer, type Extra, maybeJson, maybeObject, record, text } from './fields.ts';

/** What Heat says of a valid template. */
export interface TemplateValidation extends Extra {
  description?: string;
  parameters: Record<string, TemplateParameter>;
  parameterGroups?: JsonObject[];
  /** The environment as Heat merged it. */
  environment?: JsonObject;
  /** With `showNested` only. */
  nestedParameters?: JsonObject;
}

/** A parameter that a template declares. Constraints are under `extra`, as Heat names them. */
export interface TemplateParameter extends Extra {
  /** `String`, `Number`, `CommaDelimitedList`, `Json`, `Boolean`. */
  type: string;
  label?: string;
  description?: string;
  /** Whether it is hidden. */
  noEcho: boolean;
  default?: Json;
  /** What it would be with the given parameters and environment. */
  value?: Json;
}

/** A type that templates can use in this cloud, with these credentials. */
export interface ResourceType extends Extra {
  name: string;
  description?: string;
}

/** A template version that Heat understands. */
export interface TemplateVersion extends Extra {
  /** What stands in `heat_template_version`, behind its kind: `heat_template_version.2018-08-31`. */
  version: string;
  /** `hot` or `cfn`. */
  type: string;
  aliases: string[];
}

/** A function that templates of a version can use. */
export interface TemplateFunction extends Extra {
  name: string;
  description?: string;
}

/** Which Heat it is. */
export interface BuildInfo {
  /** "unknown" unless its operator configured it. */
  apiRevision: string;
  engineRevision: string;
}

/** An engine of Heat. */
export interface HeatService extends Extra {
  id: string;
  hostname?: string;
  engineId?: string;
  /** `up` or `down`. */
  status: string;
  /** In seconds. */
  reportInterval?: number;
  updatedAt?: string;
}

const parameter = record(
  {
    Type: v.string(),
    Label: text,
    Description: text,
    NoEcho: v.optional(v.union([v.boolean(), v.string()])),
    Default: maybeJson,
    Value: maybeJson,
  },
  (raw) => ({
    type: raw.Type,
    label: raw.Label ?? undefined,
    description: raw.Description ?? undefined,
    noEcho: String(raw.NoEcho).toLowerCase() === 'true',
    default: raw.Default,
    value: raw.Value,
  }),
);

/** By their names, of which `constructor` is one like others; valibot's own `record` leaves that out. */
const parameters = v.pipe(
  jsonObject,
  v.transform((map): unknown[] => Object.entries(map)),
  v.array(v.tuple([v.string(), parameter])),
  v.transform((entries): Record<string, TemplateParameter> => Object.fromEntries(entries)),
);

/** `POST /validate`. */
export const validationAnswer: Answer<TemplateValidation> = record(
  {
    Description: text,
    Parameters: parameters,
    ParameterGroups: v.nullish(v.array(jsonObject)),
    Environment: maybeObject,
    NestedParameters: maybeObject,
  },
  (raw) => ({
    description: raw.Description ?? undefined,
    parameters: raw.Parameters,
    parameterGroups: raw.ParameterGroups ?? undefined,
    environment: raw.Environment ?? undefined,
    nestedParameters: raw.NestedParameters ?? undefined,
  }),
);

const resourceType = v.union([
  v.pipe(
    v.string(),
    v.transform((name): ResourceType => ({ name })),
  ),
  record({ resource_type: v.string(), description: text }, (raw) => ({
    name: raw.resource_type,
    description: raw.description ?? undefined,
  })),
]);

/** `GET /resource_types`: names, or objects when descriptions are asked for. */
export const resourceTypesAnswer: Answer<{ resource_types: ResourceType[] }> = v.object({
  resource_types: v.array(resourceType),
});

/** `GET /template_versions`. */
export const templateVersionsAnswer: Answer<{ template_versions: TemplateVersion[] }> = v.object({
  template_versions: v.array(
    record(
      { version: v.string(), type: v.string(), aliases: v.nullish(v.array(v.string()), () => []) },
      (raw) => ({ version: raw.version, type: raw.type, aliases: raw.aliases }),
    ),
  ),
});

/** `GET /template_versions/{version}/functions`. */
export const templateFunctionsAnswer: Answer<{ template_functions: TemplateFunction[] }> = v.object({
  template_functions: v.array(
    record({ functions: v.string(), description: text }, (raw) => ({
      name: raw.functions,
      description: raw.description ?? undefined,
    })),
  ),
});

const revision = v.object({ revision: v.string() });

/** `GET /build_info`. */
export const buildInfoAnswer: Answer<BuildInfo> = v.pipe(
  v.object({ api: revision, engine: revision }),
  v.transform(({ api, engine }) => ({ apiRevision: api.revision, engineRevision: engine.revision })),
);

/** `GET /services`. */
export const servicesAnswer: Answer<{ services: HeatService[] }> = v.object({
  services: v.array(
    record(
      {
        id: v.string(),
        hostname: text,
        engine_id: text,
        status: v.string(),
        report_interval: v.nullish(v.number()),
        updated_at: text,
      },
      (raw) => ({
        id: raw.id,
        hostname: raw.hostname ?? undefined,
        engineId: raw.engine_id ?? undefined,
        status: raw.status,
        reportInterval: raw.report_interval ?? undefined,
        updatedAt: raw.updated_at ?? undefined,
      }),
    ),
  ),
});

import * as v from 'valibot';
import type { Json, JsonObject } from '../json.ts';
import { jsonObject } from './answer.ts';
import { renamed } from './attributes.ts';
import { type Answer, type Extra, id, maybeJson, maybeObject, record, text, time } from './fields.ts';

/** A script or configuration that Heat keeps for servers. */
export interface SoftwareConfig extends Extra {
  id: string;
  name: string;
  /** The tool that it is for, such as `script`. */
  group?: string;
  /** Missing in lists. */
  config?: Json;
  inputs?: JsonObject[];
  outputs?: JsonObject[];
  options?: JsonObject;
  createdAt?: string;
}

/** What a software config is made of. */
export interface SoftwareConfigAttributes {
  name: string;
  group?: string | undefined;
  config?: Json | undefined;
  inputs?: JsonObject[] | undefined;
  outputs?: JsonObject[] | undefined;
  options?: JsonObject | undefined;
}

/** A software config on a server. */
export interface SoftwareDeployment extends Extra {
  id: string;
  configId?: string;
  serverId?: string;
  action?: string;
  status?: string;
  statusReason?: string;
  inputValues?: JsonObject;
  outputValues?: JsonObject;
  createdAt?: string;
  updatedAt?: string;
}

/** What a software deployment is made of. */
export interface SoftwareDeploymentAttributes {
  configId?: string | undefined;
  serverId?: string | undefined;
  action?: string | undefined;
  status?: string | undefined;
  statusReason?: string | undefined;
  inputValues?: JsonObject | undefined;
  /** Of an update only. */
  outputValues?: JsonObject | undefined;
  /** Of a create only. */
  stackUserProjectId?: string | undefined;
}

const objects = v.nullish(v.array(jsonObject));

const config = record(
  {
    id,
    name: text,
    group: text,
    config: maybeJson,
    inputs: objects,
    outputs: objects,
    options: maybeObject,
    creation_time: time,
  },
  (raw) => ({
    id: raw.id,
    name: raw.name ?? '',
    group: raw.group ?? undefined,
    config: raw.config ?? undefined,
    inputs: raw.inputs ?? undefined,
    outputs: raw.outputs ?? undefined,
    options: raw.options ?? undefined,
    createdAt: raw.creation_time ?? undefined,
  }),
);

/** `GET /software_configs`. */
export const softwareConfigsAnswer: Answer<{ software_configs: SoftwareConfig[] }> = v.object({
  software_configs: v.array(config),
});

/** `GET /software_configs/{id}`, and `POST /software_configs`. */
export const softwareConfigAnswer: Answer<{ software_config: SoftwareConfig }> = v.object({
  software_config: config,
});

const deployment = record(
  {
    id,
    config_id: text,
    server_id: text,
    action: text,
    status: text,
    status_reason: text,
    input_values: maybeObject,
    output_values: maybeObject,
    creation_time: time,
    updated_time: time,
  },
  (raw) => ({
    id: raw.id,
    configId: raw.config_id ?? undefined,
    serverId: raw.server_id ?? undefined,
    action: raw.action ?? undefined,
    status: raw.status ?? undefined,
    statusReason: raw.status_reason ?? undefined,
    inputValues: raw.input_values ?? undefined,
    outputValues: raw.output_values ?? undefined,
    createdAt: raw.creation_time ?? undefined,
    updatedAt: raw.updated_time ?? undefined,
  }),
);

/** `GET /software_deployments`. */
export const softwareDeploymentsAnswer: Answer<{ software_deployments: SoftwareDeployment[] }> = v.object({
  software_deployments: v.array(deployment),
});

/** `GET /software_deployments/{id}`, `POST /software_deployments` and PUT. */
export const softwareDeploymentAnswer: Answer<{ software_deployment: SoftwareDeployment }> = v.object({
  software_deployment: deployment,
});

const CONFIG_NAMES = {
  name: 'name',
  group: 'group',
  config: 'config',
  inputs: 'inputs',
  outputs: 'outputs',
  options: 'options',
} as const satisfies Record<keyof SoftwareConfigAttributes, string>;

const DEPLOYMENT_NAMES = {
  configId: 'config_id',
  serverId: 'server_id',
  action: 'action',
  status: 'status',
  statusReason: 'status_reason',
  inputValues: 'input_values',
  outputValues: 'output_values',
  stackUserProjectId: 'stack_user_project_id',
} as const satisfies Record<keyof SoftwareDeploymentAttributes, string>;

/** The body that creates a software config. @throws OpenStackError ConfigError for an attribute that isn't one. */
export function configBody(attributes: SoftwareConfigAttributes): { [name: string]: unknown } {
  return renamed('createSoftwareConfig', CONFIG_NAMES, attributes);
}

/** The body of a create or update of a software deployment. @throws OpenStackError ConfigError likewise. */
export function deploymentBody(
  call: string,
  attributes: SoftwareDeploymentAttributes,
): { [name: string]: unknown } {
  return renamed(call, DEPLOYMENT_NAMES, attributes);
}

import { hash } from 'node:crypto';
import { clip } from '../api/clip.ts';
import type { HeatStackSpec, HeatStackStatus, ResourceStatus } from '../api/heat-stack.ts';
import { STATUS_LIMITS } from '../api/limits.ts';
import { canonicalJson, isRawNumber, type Json } from '../json.ts';
import type { CloudIdentity, Output, Stack } from '../openstack/index.ts';
import { chooseOutputs, wantsObjects } from './chosen-outputs.ts';
import type { ResourceReport } from './resource-tree.ts';
import type { Scrubber } from './scrubber.ts';
import { parseState } from './stack-state.ts';

const MAX_OUTPUTS = 256;
/** What Heat says when a template describes nothing. */
const NO_DESCRIPTION = 'No description given';
const MAX_DESCRIPTION_LENGTH = 256;
const MAX_VALUE_BYTES = 4096;
const MAX_VALUES_BYTES = 128 * 1024;
// An object over etcd's limit is lost whole (the API server answers 500), so the list of resources is cut before.
const MAX_RESOURCES_BYTES = 700 * 1024;
const MIN_RESOURCES_BYTES = 16 * 1024;
/** Room for spec and resources together; outputs and a plan need some, too. */
const MAX_OBJECT_BYTES = 1000 * 1024;

/** The part of a status that Heat's answer to a GET of the stack fills. */
export function stackFields(
  stack: Stack,
  scrubber: Scrubber,
): Pick<
  HeatStackStatus,
  'id' | 'stackName' | 'stackStatus' | 'stackStatusReason' | 'createdAt' | 'updatedAt'
> {
  return {
    id: stack.id,
    stackName: stack.name,
    stackStatus: stack.status,
    ...(stack.statusReason ? { stackStatusReason: scrubber.clean(stack.statusReason) } : {}),
    ...(stack.createdAt ? { createdAt: stack.createdAt } : {}),
    ...(stack.updatedAt ? { updatedAt: stack.updatedAt } : {}),
  };
}

/**
 * The part of a status that tells which cloud holds the stack. The API server prunes what the schema doesn't know, and a
 * status that never equals the stored one would be written at every look.
 */
export function cloudFields(cloud: CloudIdentity): NonNullable<HeatStackStatus['cloud']> {
  const { projectDomainID: _, projectDomainName: __, ...fields } = cloud;
  return fields;
}

/**
 * The outputs as the status lists them: names, descriptions and errors, also of those that can't go where the spec wants
 * them. Values only for those that the spec names, since an output may carry a hidden parameter in clear (Heat 27).
 */
export function reportOutputs(
  outputs: readonly Output[],
  spec: HeatStackSpec['outputs'],
  scrubber: Scrubber,
): NonNullable<HeatStackStatus['outputs']> {
  const named = new Set(spec?.inStatus);
  let left = MAX_VALUES_BYTES;
  const shown = (value: Output['value']) => {
    if (value === undefined || value === null) return {};
    if (!fitsKubernetes(value)) return { error: 'the value has a number that no object can hold' };
    const bytes = Buffer.byteLength(JSON.stringify(value));
    if (bytes > MAX_VALUE_BYTES || bytes > left) {
      const limit = `${MAX_VALUE_BYTES} for a value and ${MAX_VALUES_BYTES} for all`;
      return { error: `the value has ${bytes} bytes; the status holds at most ${limit}` };
    }
    left -= bytes;
    return { value };
  };
  const { leftOut } = wantsObjects(spec) ? chooseOutputs(outputs, spec?.names) : { leftOut: new Map() };
  const known = new Set(outputs.map(({ key }) => key));
  const missing = [...leftOut.keys()].filter((name) => !known.has(name)).map((key): Output => ({ key }));
  return [...outputs, ...missing]
    .sort((a, b) => (a.key < b.key ? -1 : 1))
    .slice(0, MAX_OUTPUTS)
    .map(({ key, description, value, error }) => {
      // It may come from a Secret, with the template.
      const shownDescription = description === NO_DESCRIPTION ? '' : scrubber.clean(description ?? '', '');
      const why = error ? scrubber.clean(error) : leftOut.get(key);
      return {
        name: clip(key, STATUS_LIMITS.name),
        ...(shownDescription ? { description: clip(shownDescription, MAX_DESCRIPTION_LENGTH) } : {}),
        ...(why ? { error: why } : {}),
        ...(named.has('*') || named.has(key) ? shown(value) : {}),
      };
    });
}

/** The outputs with the keys of the Secret that a former list has for them. */
export function keepKeys(
  outputs: NonNullable<HeatStackStatus['outputs']>,
  former: HeatStackStatus['outputs'] = [],
): NonNullable<HeatStackStatus['outputs']> {
  const keys = new Map(former.map(({ name, secretKeyRef }) => [name, secretKeyRef]));
  return outputs.map((output) => {
    const secretKeyRef = keys.get(output.name);
    return secretKeyRef ? { ...output, secretKeyRef } : output;
  });
}

/** Whether the API server takes a value: it refuses an object with a number beyond a double. */
function fitsKubernetes(value: Json): boolean {
  if (isRawNumber(value)) return Number.isFinite(Number(value.rawJSON));
  if (typeof value !== 'object' || value === null) return true;
  return Object.values(value).every(fitsKubernetes);
}

/** Takes resources out of a report until the status fits into the object, failed ones last. */
export function fitReport(report: ResourceReport, specBytes = 0): ResourceReport {
  const room = Math.max(MIN_RESOURCES_BYTES, Math.min(MAX_RESOURCES_BYTES, MAX_OBJECT_BYTES - specBytes));
  // Each is written once, and alone: a text of all could be many times what fits.
  let bytes = 0;
  const fitting = new Set<ResourceStatus>();
  for (const resource of report.resources.toSorted((a, b) => Number(hasFailed(b)) - Number(hasFailed(a)))) {
    const more = Buffer.byteLength(JSON.stringify(resource)) + 1;
    if (bytes + more >= room) continue;
    bytes += more;
    fitting.add(resource);
  }
  if (fitting.size === report.resources.length) return report;
  const resources = report.resources.filter((resource) => fitting.has(resource));
  return { ...report, resources, resourcesTruncated: true };
}

function hasFailed({ status }: ResourceStatus): boolean {
  return parseState(status).status === 'FAILED';
}

/** A text that differs when two statuses say different things; times at which somebody looked don't count. */
export function statusFingerprint(status: HeatStackStatus): string {
  const { lastSyncTime: _, ...rest } = status;
  return hash('sha256', canonicalJson(rest), 'base64');
}

// Writes that the operator's client has no use for.

import { isJsonObject, type Json } from '../../src/json.ts';
import { apiVersionOf, type KubeTransport, type ObjectRef, type ResourceType } from '../../src/kube/index.ts';

type Requests = Pick<KubeTransport, 'request'>;

const FIELD_MANAGER = 'heatstack-tests';

/** An object as a test writes it; its apiVersion and kind are those of the resource. */
export interface Applied {
  metadata: { name: string; labels?: Record<string, string>; annotations?: Record<string, string> };
}

/** `kubectl apply --server-side --force-conflicts`, without the start of a program. */
export async function applyObject<T extends Applied>(
  transport: Requests,
  type: ResourceType,
  namespace: string,
  object: T,
): Promise<void> {
  await transport.request({
    method: 'PATCH',
    path: pathOf(type, { namespace, name: object.metadata.name }),
    query: { fieldManager: FIELD_MANAGER, force: true },
    contentType: 'application/apply-patch+yaml',
    body: { ...object, apiVersion: apiVersionOf(type), kind: type.kind },
  });
}

/**
 * The JSON merge patch that `kubectl apply` sends for a custom resource: all that is written now, and `null` for what
 * was written the last time and isn't any more.
 */
export function applyPatch(before: Json | undefined, now: Json | undefined): Json {
  if (now === undefined) return null;
  if (before === undefined || !isJsonObject(before) || !isJsonObject(now)) return now;
  const keys = new Set([...Object.keys(before), ...Object.keys(now)]);
  return Object.fromEntries([...keys].map((key) => [key, applyPatch(before[key], now[key])]));
}

/** Merges a patch into the status of an object. @returns the resource version that this made */
export async function patchStatus(
  transport: Requests,
  type: ResourceType,
  ref: ObjectRef,
  patch: unknown,
): Promise<string> {
  const answer = (await transport.request({
    method: 'PATCH',
    path: `${pathOf(type, ref)}/status`,
    contentType: 'application/merge-patch+json',
    body: patch,
  })) as { metadata: { resourceVersion: string } };
  return answer.metadata.resourceVersion;
}

function pathOf(type: ResourceType, { namespace = '', name }: ObjectRef): string {
  const root = type.group === '' ? `/api/${type.version}` : `/apis/${type.group}/${type.version}`;
  return `${root}/namespaces/${namespace}/${type.plural}/${name}`;
}

import type { KubeObject } from '../kube/index.ts';

/** A ConfigMap or a Secret. */
export interface DataObject extends KubeObject {
  data?: Record<string, string>;
  binaryData?: Record<string, string>;
}

/** Its data as text. */
export function dataOf(object: DataObject, kind: 'ConfigMap' | 'Secret'): Map<string, string> {
  const entries = Object.entries(object.data ?? {});
  return new Map(
    kind === 'Secret'
      ? entries.map(([key, value]) => [key, Buffer.from(value, 'base64').toString('utf8')])
      : entries,
  );
}

import type { KubeObject } from '../kube/index.ts';

export type DataKind = 'ConfigMap' | 'Secret';

/** A ConfigMap or a Secret. */
export interface DataObject extends KubeObject {
  data?: Record<string, string>;
  binaryData?: Record<string, string>;
  /** Of a Secret. */
  type?: string;
  /** The API server refuses every change of the data. */
  immutable?: boolean;
}

/** Its data as text. */
export function dataOf(object: DataObject, kind: DataKind): Map<string, string> {
  const entries = Object.entries(object.data ?? {});
  return new Map(
    kind === 'Secret'
      ? entries.map(([key, value]) => [key, Buffer.from(value, 'base64').toString('utf8')])
      : entries,
  );
}

/** Text as its data. */
export function encodeData(texts: ReadonlyMap<string, string>, kind: DataKind): Record<string, string> {
  const encode = (text: string) => (kind === 'Secret' ? Buffer.from(text).toString('base64') : text);
  // Not by assignment, which a key like `__proto__` would escape.
  return Object.fromEntries([...texts].map(([key, text]) => [key, encode(text)]));
}

import { isUtf8 } from 'node:buffer';
import type { KubeObject } from '../kube/index.ts';

export type DataKind = 'ConfigMap' | 'Secret';

/** A ConfigMap or a Secret. */
export interface DataObject extends KubeObject {
  data?: Record<string, string>;
  /** Of a ConfigMap, in base64. */
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

/** All that it holds as text; `undefined` in place of what isn't UTF-8: another text would stand for it. */
export function textsOf(object: DataObject, kind: DataKind): Map<string, string | undefined> {
  const { data = {}, binaryData = {} } = object;
  const plain = kind === 'ConfigMap' ? Object.entries(data) : [];
  const encoded = Object.entries(kind === 'ConfigMap' ? binaryData : data);
  return new Map<string, string | undefined>([
    ...plain,
    ...encoded.map(([key, value]): [string, string | undefined] => {
      const bytes = Buffer.from(value, 'base64');
      return [key, isUtf8(bytes) ? bytes.toString('utf8') : undefined];
    }),
  ]);
}

/** Text as its data. */
export function encodeData(texts: ReadonlyMap<string, string>, kind: DataKind): Record<string, string> {
  const encode = (text: string) => (kind === 'Secret' ? Buffer.from(text).toString('base64') : text);
  // Not by assignment, which a key like `__proto__` would escape.
  return Object.fromEntries([...texts].map(([key, text]) => [key, encode(text)]));
}

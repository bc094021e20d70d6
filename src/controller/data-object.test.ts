import { expect, test } from 'vitest';
import type { DataKind, DataObject } from './data-object.ts';
import { textsOf } from './data-object.ts';

const base64 = (bytes: string | number[]): string => Buffer.from(bytes as string).toString('base64');
const NOT_TEXT = base64([0xff, 0xfe, 0x00]);

test.each<[DataKind, Partial<DataObject>, [string, string | undefined][]]>([
  [
    'ConfigMap',
    { data: { a: 'x', b: NOT_TEXT } },
    [
      ['a', 'x'],
      ['b', NOT_TEXT],
    ],
  ],
  [
    'ConfigMap',
    { binaryData: { a: base64('ä'), b: NOT_TEXT } },
    [
      ['a', 'ä'],
      ['b', undefined],
    ],
  ],
  [
    'Secret',
    { data: { a: base64('ä'), b: NOT_TEXT, c: '' } },
    [
      ['a', 'ä'],
      ['b', undefined],
      ['c', ''],
    ],
  ],
  ['Secret', {}, []],
])('a %s with %j holds %j', (kind, content, texts) => {
  const metadata = { name: 'a', namespace: 'team', uid: 'u', resourceVersion: '1' };
  expect([...textsOf({ apiVersion: 'v1', kind, metadata, ...content }, kind)]).toEqual(texts);
});

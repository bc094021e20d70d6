import { beforeEach, expect, test } from 'vitest';
import type { KubeObject } from '../kube/index.ts';
import { OwnWrites } from './own-writes.ts';

let writes: OwnWrites;
let others: number;

beforeEach(() => {
  writes = new OwnWrites();
  others = 0;
});

const object = (resourceVersion: string): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Thing',
  metadata: { name: 'a', uid: 'u', resourceVersion },
});

/** Writes a version, while the watch shows some. @returns what they were taken for */
async function write(version: string | Error, ...shown: string[]): Promise<boolean[]> {
  const own: boolean[] = [];
  const send = async (): Promise<KubeObject> => {
    for (const each of shown) own.push(writes.has(each));
    if (version instanceof Error) throw version;
    return object(version);
  };
  await writes.carryOut(send, () => {
    others += 1;
  });
  return own;
}

test('a version is known as an own one after its write, and no other', async () => {
  expect(writes.has('1')).toBe(false);
  await write('1');
  expect([writes.has('1'), writes.has('2')]).toEqual([true, false]);
  expect(others).toBe(0);
});

test('a watch that lags shows versions of before', async () => {
  for (const version of ['1', '2', '3', '4', '5']) await write(version);
  expect(['1', '2', '5'].map((version) => writes.has(version))).toEqual([false, true, true]);
});

test('a version that is shown before the write is answered is an own one, and news for nobody', async () => {
  expect(await write('1', '1')).toEqual([true]);
  expect(others).toBe(0);
});

test("another's version that was taken for an own one is told, once", async () => {
  expect(await write('3', '1', '2', '3')).toEqual([true, true, true]);
  expect(others).toBe(1);
  expect(writes.has('1')).toBe(false);
  await write('4', '4');
  expect(others).toBe(1);
});

test('a write whose answer is lost is taken for one of others', async () => {
  await expect(write(new Error('no answer'), '1')).rejects.toThrow('no answer');
  expect(others).toBe(1);
  expect(writes.has('2')).toBe(false);
});

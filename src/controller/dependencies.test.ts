import { describe, expect, test } from 'vitest';
import { pathTo } from './dependencies.ts';

describe('the way from one HeatStack to another', () => {
  const graph: Record<string, string[]> = {
    a: ['b', 'c'],
    b: ['d'],
    c: ['e', 'a'],
    d: ['e'],
    e: ['e'],
    f: [],
  };
  const next = (name: string): string[] => graph[name] ?? [];

  test.each<[string, string, string[] | undefined]>([
    ['a', 'b', ['a', 'b']],
    ['a', 'e', ['a', 'c', 'e']],
    ['a', 'a', ['a', 'c', 'a']],
    ['e', 'e', ['e', 'e']],
    ['b', 'a', undefined],
    ['f', 'f', undefined],
    ['nosuch', 'a', undefined],
  ])('%s to %s is %j', (from, to, path) => {
    expect(pathTo(from, to, next)).toEqual(path);
  });

  test('is looked for in bounded time, however many there are', () => {
    let asked = 0;
    const endless = (name: string): string[] => {
      asked += 1;
      return [`${name}x`, `y${asked}`];
    };
    expect(pathTo('a', 'b', endless)).toBeUndefined();
    expect(asked).toBe(10_000);
    const chain = (name: string): string[] => [String(Number(name) + 1)];
    expect(pathTo('0', '5000', chain)).toHaveLength(5001);
  });
});

import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { eventsAnswer } from './event.ts';
import { INVALID, quickReader } from './quick-read.ts';
import { resourceAnswer, resourcesAnswer } from './resource.ts';
import { snapshotsAnswer } from './snapshot.ts';
import { changesAnswer, previewAnswer, stackAnswer, stacksAnswer } from './stack.ts';

const samples = JSON.parse(
  readFileSync(new URL('./testdata/heat-samples.json', import.meta.url), 'utf8'),
) as Record<string, { body: unknown }>;

const ANSWERS: [name: string, schema: v.GenericSchema, body: unknown][] = [
  ['a stack', stackAnswer, samples['get_stack']?.body],
  ['stacks', stacksAnswer, samples['list_stacks']?.body],
  ['a preview', previewAnswer, samples['preview_create']?.body],
  ['changes', changesAnswer, samples['preview_update_put']?.body],
  ['resources', resourcesAnswer, samples['resources']?.body],
  ['a resource', resourceAnswer, samples['resource_show']?.body],
  ['events', eventsAnswer, samples['events']?.body],
  ['snapshots', snapshotsAnswer, samples['snapshots']?.body],
];

/** The same text each time: readers may change what they are given. */
function expectSame(schema: v.GenericSchema, text: string): void {
  const valibot = v.safeParse(schema, JSON.parse(text));
  const quick = quickReader(schema)(JSON.parse(text));
  if (valibot.success) {
    // What only valibot understands is left to it.
    if (quick !== INVALID) expect(quick).toStrictEqual(valibot.output);
  } else {
    expect(quick).toBe(INVALID);
  }
}

describe('quickReader', () => {
  it.each(ANSWERS)('reads %s of a real Heat as valibot does', (_name, schema, body) => {
    const text = JSON.stringify(body);
    const quick = quickReader(schema)(JSON.parse(text));
    expect(quick).not.toBe(INVALID);
    expect(quick).toStrictEqual(v.parse(schema, JSON.parse(text)));
  });

  it.each(ANSWERS)(
    'takes and refuses what valibot does when something of %s is another',
    (_name, schema, body) => {
      const text = JSON.stringify(body);
      const places = placesIn(JSON.parse(text));
      const other = fc.oneof(
        fc.jsonValue({ maxDepth: 2 }),
        fc.constantFrom(
          undefined,
          null,
          '',
          'x'.repeat(65),
          'x'.repeat(256),
          '\u202e',
          0,
          false,
          [],
          {},
          [null],
          ['a'],
        ),
      );
      fc.assert(
        fc.property(fc.constantFrom(...places), other, (place, value) => {
          expectSame(schema, JSON.stringify(changed(JSON.parse(text), place, value)) ?? 'null');
        }),
        { numRuns: 300 },
      );
    },
  );

  it.each(['__proto__', 'constructor', 'prototype'])(
    'leaves an object with a member %s to valibot',
    (key) => {
      const stack = samples['get_stack']?.body as { stack: object };
      const text = JSON.stringify({ stack: { ...stack.stack, mark: 1 } }).replace(
        '"mark":1',
        `"${key}":{"a":1}`,
      );
      expect(quickReader(stackAnswer)(JSON.parse(text))).toBe(INVALID);
    },
  );

  it('tells a missing member from one that may be anything', () => {
    for (const member of [v.unknown(), v.custom(() => true), v.union([v.string(), v.undefined()])]) {
      expectSame(v.object({ member }), '{}');
      expectSame(v.object({ member }), '{"member":null}');
    }
  });

  it('leaves steps of a pipe that it does not know to valibot', () => {
    const schema = v.object({ text: v.pipe(v.string(), v.trim(), v.minLength(2)) });
    expect(quickReader(schema)({ text: ' ab ' })).toEqual({ text: 'ab' });
    expect(quickReader(schema)({ text: ' a ' })).toBe(INVALID);
  });
});

/** The paths to all values inside another. */
function placesIn(value: unknown, path: string[] = []): string[][] {
  if (typeof value !== 'object' || value === null) return [path];
  return [path, ...Object.entries(value).flatMap(([key, member]) => placesIn(member, [...path, key]))];
}

function changed(root: unknown, path: string[], value: unknown): unknown {
  const [key, ...rest] = path;
  if (key === undefined) return value;
  const parent = root as Record<string, unknown>;
  parent[key] = changed(parent[key], rest, value);
  return root;
}

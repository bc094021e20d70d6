/** docs/heatstack-coverage.md: whether it names a scenario for everything, and whether the scenario speaks of it. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { ANNOTATIONS } from '../src/api/constants.ts';
import { CONDITION_TYPES } from '../src/api/reasons.ts';
import { VERBS } from '../src/controller/verbs.ts';
import { leavesOf, readSchema } from './crd/schema.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const read = (file: string): string => readFileSync(join(ROOT, file), 'utf8');
const PAGE = read('docs/heatstack-coverage.md');

/** The table's rows: what is shown, and the folders of the scenarios that show it. */
const ROWS = PAGE.split('\n').flatMap((line) => {
  const [, what = '', where = ''] = /^\|([^|]*`[^|]*)\|([^|]*)\|$/.exec(line) ?? [];
  const things = [...what.matchAll(/`([^`]+)`/g)].map(([, thing = '']) => thing);
  const folders = [...where.matchAll(/\]\(\.\.\/(test\/(?:e2e|disruptive)\/[\w-]+)\)/g)].map(
    ([, folder = '']) => folder,
  );
  return things.map((thing) => ({ thing, folders }));
});
const SHOWN = new Set(ROWS.map(({ thing }) => thing));
const missing = (things: string[]): string[] => things.filter((thing) => !SHOWN.has(thing));

/** The words of a union type in reasons.ts. */
function wordsOf(type: string): string[] {
  const source = read('src/api/reasons.ts').replaceAll(/\/\*\*.*?\*\//gs, '');
  const [, body = ''] = new RegExp(`export type ${type} =([^;]*);`).exec(source) ?? [];
  return [...body.matchAll(/'(\w+)'/g)].map(([, word = '']) => word);
}

/** Reasons of the Events that the code records by name; each reason of Stalled is one, too. */
function eventsInCode(): string[] {
  const sources = readdirSync(join(ROOT, 'src/controller')).filter(
    (file) => file.endsWith('.ts') && !file.endsWith('.test.ts'),
  );
  const code = sources.map((file) => read(`src/controller/${file}`)).join('\n');
  return [...code.matchAll(/event\(\s*'(?:Normal|Warning)',\s*'(\w+)'/g)].map(([, reason = '']) => reason);
}

/** Reasons of Events in the page about the kind. */
function eventsInDocs(): string[] {
  const [, section = ''] = read('docs/heatstack.md').split('\n### Events\n');
  const rows = section.split('\n').filter((line) => line.startsWith('|'));
  return rows
    .map((line) => line.split('|')[1] ?? '')
    .filter((cell) => !cell.includes('every reason'))
    .flatMap((cell) => [...cell.matchAll(/`(\w+)`/g)].map(([, reason = '']) => reason));
}

/** What a scenario's sources must hold to be said to show a thing. */
function wordsFor(thing: string): string[] {
  const key = Object.entries(ANNOTATIONS).find(([, annotation]) => thing.startsWith(annotation))?.[0];
  if (key) return [key, ...thing.split(': ').slice(1)];
  const [name = '', word] = thing.split('=');
  const parts = name
    .replaceAll('[]', '')
    .split(/[./: ]+/)
    .filter(
      (part, index, all) => index === all.length - 1 || !['spec', 'status', 'Event', 'Ready'].includes(part),
    );
  const fields = [...new Set([...parts.slice(0, 1), ...parts.slice(-2)])];
  return word === undefined ? fields : [...fields, word];
}

describe('the table of coverage', () => {
  const schema = readSchema(read('crds/heatstack.dev_heatstacks.yaml')).properties ?? {};

  it.each(['spec', 'status'] as const)('names a scenario for every field of the %s', (part) => {
    const leaves = leavesOf(schema[part] ?? {}, part).filter(
      (leaf) => part === 'spec' || !leaf.includes('='),
    );
    expect(leaves.length).toBeGreaterThan(50);
    expect(missing(leaves)).toEqual([]);
  });

  it('names a scenario for every condition and every reason', () => {
    const ready = ['StackReason', 'ConfigurationReason', 'CloudReason', 'WorkingReason', 'ReadyReason'];
    const reasons = [
      ...ready.flatMap((type) => wordsOf(type).map((reason) => `Ready: ${reason}`)),
      ...['Reconciling', 'Available', 'Drifted'].flatMap((type) =>
        wordsOf(`${type}Reason`).map((reason) => `${type}: ${reason}`),
      ),
    ];
    expect(reasons.length).toBeGreaterThan(35);
    expect(missing([...CONDITION_TYPES, ...reasons])).toEqual([]);
  });

  it('names a scenario for every annotation and every action', () => {
    const actions = VERBS.map((verb) => `${ANNOTATIONS.action}: ${verb}`);
    expect(missing([...Object.values(ANNOTATIONS), ...actions])).toEqual([]);
  });

  it('names a scenario for every Event', () => {
    const inCode = eventsInCode();
    const inDocs = eventsInDocs();
    expect(inCode.length).toBeGreaterThan(12);
    expect(inCode.filter((reason) => !inDocs.includes(reason))).toEqual([]);
    expect(missing([...inCode, ...inDocs].map((reason) => `Event ${reason}`))).toEqual([]);
  });

  it('names nothing that is not there', () => {
    const reasons = read('src/api/reasons.ts');
    const strange = ROWS.filter(({ thing }) => {
      if (/^(spec|status)\./.test(thing)) {
        const part = thing.startsWith('spec') ? 'spec' : 'status';
        return !leavesOf(schema[part] ?? {}, part).includes(thing);
      }
      if (thing.startsWith('Event ')) return ![...eventsInCode(), ...eventsInDocs()].includes(thing.slice(6));
      if (thing.includes('/')) return !Object.values(ANNOTATIONS).some((name) => thing.startsWith(name));
      return thing.split(': ').some((word) => !reasons.includes(`'${word}'`));
    });
    expect(strange).toEqual([]);
  });

  it.each(ROWS)('$thing is in a scenario', ({ thing, folders }) => {
    expect(folders).not.toEqual([]);
    expect(folders.filter((folder) => !existsSync(join(ROOT, folder)))).toEqual([]);
    const sources = folders.map((folder) =>
      readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
        .filter((file) => file.endsWith('.ts'))
        .map((file) => read(join(folder, file)))
        .join('\n'),
    );
    const words = wordsFor(thing);
    expect(words).not.toEqual([]);
    const speaksOf = (source: string) => words.every((word) => new RegExp(`\\b${word}\\b`).test(source));
    expect(sources.some(speaksOf), `none of ${folders.join(', ')} has all of ${words.join(', ')}`).toBe(true);
  });
});

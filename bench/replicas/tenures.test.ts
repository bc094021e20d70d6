import { expect, test } from 'vitest';
import { type Fault, type Tenure, takeOvers, wrongWrites } from './tenures.ts';

const tenure = (lease: string, holder: string, acquiredAt: number): Tenure => ({
  ...{ lease, holder, acquiredAt, seenAt: acquiredAt + 1 },
});
const TENURES = [
  ...[tenure('x', 'a', 100), tenure('y', 'c', 150), tenure('x', '', 190), tenure('x', 'b', 200)],
  tenure('y', 'd', 900),
];
const write = (sender: string | undefined, at: number) => ({ sender, at, what: `${sender} at ${at}` });

test('a write of a former leader is late when another one leads', () => {
  const writes = [write('a', 150), write('a', 195), write('a', 201), write('b', 201), write('c', 899)];
  expect(wrongWrites(writes, TENURES)).toEqual({ late: [write('a', 201)], foreign: [] });
});

test('nobody writes before it leads', () => {
  const writes = [write('b', 199), write('d', 950), write(undefined, 300)];
  expect(wrongWrites(writes, TENURES).foreign).toEqual([write('b', 199), write(undefined, 300)]);
});

const fault = (changes: Partial<Fault>): Fault => ({
  ...{ kind: 'kill', at: 170, lease: 'x', replica: 'a', led: true, standbys: ['b'] },
  ...changes,
});

test('a take-over lasts from the fault to the next holder', () => {
  const other = fault({ lease: 'y', replica: 'c', at: 500, standbys: ['d', 'e'] });
  const faults = [fault({}), other, fault({ kind: 'end', replica: 'e', at: 600, led: false })];
  expect(takeOvers('kill', faults, TENURES)).toEqual([31, 401]);
  expect(takeOvers('end', faults, TENURES)).toEqual([]);
});

test.each<[string, Fault[]]>([
  ['a standby', [fault({ led: false })]],
  ['a leader without a warm standby', [fault({ standbys: [] })]],
  ['a leader that another one than a standby followed', [fault({ standbys: ['e'] })]],
  ['a leader whose standby was paused, too', [fault({}), fault({ kind: 'pause', at: 180, replica: 'b' })]],
  ['the last leader', [fault({ replica: 'b', at: 300, standbys: ['c'] })]],
])('the end of %s tells nothing', (_, faults) => {
  expect(takeOvers('kill', faults, TENURES)).toEqual([]);
});

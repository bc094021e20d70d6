import { expect, test } from 'vitest';
import { type Candidate, chooseFault } from './faults.ts';
import { seededRandom } from './random.ts';

const leader = { runs: true, leads: true };
const standby = { runs: true, leads: false };
const paused = { runs: false, leads: false };

function choices(members: Candidate[], mayPause = true) {
  const random = seededRandom(1);
  return Array.from({ length: 500 }, () => chooseFault(random, members, mayPause));
}
const kinds = (members: Candidate[], mayPause?: boolean): string[] =>
  [...new Set(choices(members, mayPause).map((each) => each?.kind ?? 'none'))].sort();

test('a leader is chosen more often than its standby', () => {
  const chosen = choices([leader, standby]).map((each) => each?.target);
  const share = chosen.filter((each) => each === leader).length / chosen.length;
  expect(share).toBeGreaterThan(0.65);
  expect(share).toBeLessThan(0.85);
});

test.each([
  [[leader, standby], true, ['add', 'end', 'kill', 'pause']],
  [[leader, standby], false, ['add', 'end', 'kill']],
  [[leader, standby, standby], true, ['end', 'kill', 'pause', 'remove']],
  [[leader, paused], true, ['add', 'end', 'kill']],
  [[paused], true, ['none']],
  [[], true, ['none']],
])('of %j (time for a pause: %j): %j', (members, mayPause, expected) => {
  expect(kinds(members, mayPause)).toEqual(expected);
});

import type { Json } from '../../src/json.ts';
import { difference, type Outcome } from './outcome.ts';
import type { Expected, Scenario } from './scenario.ts';
import type { Run } from './stage.ts';

/** What is said of our client beside openstacksdk. */
export interface Verdict {
  verdict: 'same' | 'better' | 'worse';
  /** Why it is better, or worse. */
  reason: string;
}

/** Compares what both clients did with each other and with what the scenario expects. */
export function judge(it: Scenario, sdk: Run, ours: Run): Verdict {
  const { better, expect } = it;
  const problem =
    unexpected('openstacksdk', sdk.outcome, better?.sdk ?? expect) ??
    unexpected('our client', ours.outcome, better?.ours ?? expect) ??
    (better ? undefined : unlike(sdk, ours));
  if (problem !== undefined) return { verdict: 'worse', reason: problem };
  return better ? { verdict: 'better', reason: better.because } : { verdict: 'same', reason: '' };
}

function unexpected(who: string, outcome: Outcome, expected: Expected | undefined): string | undefined {
  // An outcome that names no error has none, and the other way round.
  const whole = { error: null, ...expected } as Json;
  const found = difference(outcome, whole);
  return found && `${who}: ${found}`;
}

function unlike(sdk: Run, ours: Run): string | undefined {
  const { requests: theirs, ...outcome } = sdk.outcome;
  const found = difference(ours.outcome, outcome) ?? difference(ours.writes, sdk.writes, 'requests');
  if (found) return `beside openstacksdk's, ${found}`;
  const count = ours.outcome.requests.length;
  return count > theirs.length ? `${count} requests instead of ${theirs.length}` : undefined;
}

/** How the same call of our client differs on the mock, if it does. */
export function mockDifference(real: Run, mock: Run): string | undefined {
  return difference(mock.outcome, real.outcome) ?? difference(real.outcome, mock.outcome);
}

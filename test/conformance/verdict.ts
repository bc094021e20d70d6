import { canonicalJson, isJsonObject, type Json } from '../../src/json.ts';
import { difference, type Outcome } from './outcome.ts';
import type { Expected, Scenario } from './scenario.ts';

/** What is said of our client beside openstacksdk. */
export interface Verdict {
  verdict: 'same' | 'better' | 'worse';
  /** Why it is better, or worse. */
  reason: string;
}

/** Compares what both clients did with each other and with what the scenario expects. */
export function judge(it: Scenario, sdk: Outcome, ours: Outcome): Verdict {
  const { better, expect, tells } = it;
  const problem =
    unexpected('openstacksdk', sdk, better?.sdk ?? expect) ??
    unexpected('our client', ours, better?.ours ?? { ...expect, ...tells }) ??
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

function unlike(sdk: Outcome, ours: Outcome): string | undefined {
  const { requests: theirs, ...outcome } = sdk;
  const found = difference(ours, outcome);
  if (found) return `beside openstacksdk's, ${found}`;
  const count = ours.requests.length;
  return count > theirs.length ? `${count} requests instead of ${theirs.length}` : undefined;
}

/** How what our client did on the mock differs from what it did on the real Heat, if it does. */
export function mockDifference(it: Scenario, real: Outcome, mock: Outcome): string | undefined {
  const [expected, actual] = [real, mock].map((outcome) => {
    const { requests, ...rest } = outcome;
    return unordered(it.polls ? rest : { ...rest, requests });
  });
  return difference(actual, expected) ?? difference(expected, actual);
}

/** A value with its lists of objects in one order: Heat lists resources and outputs in any. */
function unordered(value: Json | undefined): Json {
  if (Array.isArray(value)) {
    const items = value.map(unordered);
    return items.every(isJsonObject) ? items.sort((a, b) => (textOf(a) < textOf(b) ? -1 : 1)) : items;
  }
  if (!isJsonObject(value)) return value ?? null;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, unordered(member)]));
}

const textOf = (value: Json): string => canonicalJson([isJsonObject(value) ? value['name'] : null, value]);

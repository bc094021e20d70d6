import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { createError } from '../errors.ts';
import {
  type Circuit,
  CircuitBreaker,
  type CircuitState,
  type Verdict,
  verdictOfError,
  verdictOfStatus,
} from './circuit-breaker.ts';

const START = Date.parse('2026-01-01T00:00:00Z');

let now: number;
let states: CircuitState[];
let breaker: CircuitBreaker;
let circuit: Circuit;

beforeEach(() => start());

function start(random = () => 0): void {
  now = START;
  states = [];
  breaker = new CircuitBreaker({ now: () => now, random, onCircuit: (state) => states.push(state) });
  circuit = breaker.of('orchestration');
}

/** Makes calls that end like this. @returns how many were let through */
function call(...verdicts: Verdict[]): number {
  let through = 0;
  for (const verdict of verdicts) {
    if (circuit.refusal()) continue;
    through += 1;
    circuit.ended(verdict, circuit.begin(), 'Heat answered 503 to GET /stacks.');
  }
  return through;
}

const FAILED: Verdict[] = Array(5).fill('failed');

describe('opening', () => {
  it.each<[string, Verdict[], boolean]>([
    ['five failures in a row', FAILED, true],
    ['four failures', FAILED.slice(1), false],
    ['failures with an answer among them', ['failed', 'failed', 'answered', ...FAILED.slice(1)], false],
    ['failures with one given up among them', ['failed', 'nothing', ...FAILED.slice(1)], true],
    ['two time-outs', ['hung', 'hung'], true],
    ['a time-out and two failures', ['hung', 'failed', 'failed'], false],
    ['a time-out and three failures', ['hung', 'failed', 'failed', 'failed'], true],
  ])('%s', (_what, verdicts, opens) => {
    call(...verdicts);
    expect(circuit.state).toBe(opens ? 'open' : 'closed');
    expect(breaker.isClosed).toBe(!opens);
    expect(breaker.answeredAt).toBeUndefined();
    circuit.ended('answered', false);
    expect(breaker.answeredAt).toBe(START);
  });

  it('says since when, why, and when to come again; the text stays the same', () => {
    call('failed');
    now += 7_000;
    call(...FAILED);
    const refusal = circuit.refusal();
    expect(refusal).toMatchObject({
      code: 'CircuitOpen',
      retryable: true,
      notSent: true,
      retryAfterMs: 1_000,
      message:
        'Heat is out of order since 2026-01-01T00:00:00Z: Heat answered 503 to GET /stacks. Nothing is sent to it but one request now and then, at least every 30 s, until that is answered.',
    });
    now += 1_000;
    circuit.begin();
    expect(circuit.refusal()).toMatchObject({ message: refusal?.message, retryAfterMs: 1_000 });
  });

  it('is of one service alone', () => {
    call(...FAILED);
    expect(breaker.of('identity').refusal()).toBeUndefined();
    expect(breaker.isClosed).toBe(false);
  });
});

describe('probes', () => {
  it('go out one at a time, later with each that fails, at least every 30 s', () => {
    call(...FAILED);
    const delays: number[] = [];
    for (let probe = 0; probe < 7; probe += 1) {
      expect(call('failed')).toBe(0);
      const delay = (breaker.nextProbeAt ?? 0) - now;
      delays.push(delay);
      now += delay;
      expect(circuit.refusal()).toBeUndefined();
      const isProbe = circuit.begin();
      expect(isProbe).toBe(true);
      expect(breaker.nextProbeAt).toBeUndefined();
      // Another one has to wait.
      expect(circuit.refusal()).toBeDefined();
      circuit.ended('failed', isProbe);
    }
    expect(delays).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
  });

  it('close it when one is answered, and the next outage begins anew', () => {
    call(...FAILED);
    now += 1_000;
    call('failed');
    now += 2_000;
    expect(call('answered', 'answered')).toBe(2);
    expect(states.map(({ state }) => state)).toEqual(['open', 'half-open', 'open', 'half-open', 'closed']);
    expect(states[0]).toEqual({
      service: 'orchestration',
      state: 'open',
      since: START,
      failure: 'Heat answered 503 to GET /stacks.',
    });
    expect(states.at(-1)).toEqual({ service: 'orchestration', state: 'closed' });
    call(...FAILED);
    expect(circuit.refusal()?.retryAfterMs).toBe(1_000);
  });

  it('that were given up are made up for at once', () => {
    call(...FAILED);
    now += 1_000;
    call('nothing');
    expect(circuit.state).toBe('open');
    expect(call('answered')).toBe(1);
    expect(circuit.state).toBe('closed');
  });

  it('are put off as long as they may not be', () => {
    let may = false;
    breaker = new CircuitBreaker({ now: () => now, random: () => 0, mayProbe: () => may });
    circuit = breaker.of('orchestration');
    call(...FAILED);
    now += 60_000;
    expect(call('answered')).toBe(0);
    may = true;
    expect(call('answered')).toBe(1);
  });

  it('come a little earlier by chance', () => {
    start(() => 0.5);
    call(...FAILED);
    expect(circuit.refusal()?.retryAfterMs).toBe(1_000);
    expect((breaker.nextProbeAt ?? 0) - now).toBe(900);
  });
});

describe('calls from before the outage', () => {
  it('close it when they are answered after all', () => {
    const isProbe = circuit.begin();
    call(...FAILED);
    circuit.ended('answered', isProbe);
    expect(circuit.state).toBe('closed');
  });

  it('change nothing when they fail, not the probe either', () => {
    const isProbe = circuit.begin();
    call(...FAILED);
    const due = breaker.nextProbeAt ?? 0;
    circuit.ended('failed', isProbe);
    expect(breaker.nextProbeAt).toBe(due);
    now = due;
    const probe = circuit.begin();
    circuit.ended('hung', isProbe);
    expect(circuit.state).toBe('half-open');
    circuit.ended('answered', probe);
    expect(circuit.state).toBe('closed');
  });
});

it('lets no error of its hook reach a call', () => {
  const hook = () => {
    throw new Error('theirs');
  };
  circuit = new CircuitBreaker({ now: () => now, onCircuit: hook }).of('identity');
  expect(() => call(...FAILED)).not.toThrow();
});

it.each([
  [200, 'answered'],
  [404, 'answered'],
  [401, 'answered'],
  [429, 'answered'],
  [500, 'answered'],
  [502, 'failed'],
  [503, 'failed'],
  [504, 'failed'],
])('status %i means that the service has %s', (status, verdict) => {
  expect(verdictOfStatus(status)).toBe(verdict);
});

it.each([
  [createError('ConnectionFailed', ''), 'failed'],
  [createError('ConnectionFailed', 'a certificate', { retryable: false }), 'nothing'],
  [createError('Timeout', ''), 'hung'],
  [createError('EndpointRefused', ''), 'nothing'],
  [createError('ResponseTooLarge', ''), 'answered'],
  [createError('Overloaded', ''), 'answered'],
  [createError('InvalidResponse', ''), 'answered'],
  [new Error('given up'), 'nothing'],
])('%o means that the service has %s', (error, verdict) => {
  expect(verdictOfError(error)).toBe(verdict);
});

it('sends little during an outage and closes soon after its end, whatever was before', () => {
  const verdict = fc.constantFrom<Verdict>('answered', 'failed', 'hung', 'nothing');
  const steps = fc.array(fc.record({ verdict, ms: fc.nat(5_000) }), { maxLength: 60 });
  fc.assert(
    fc.property(steps, fc.double({ min: 0, max: 0.999, noNaN: true }), (before, chance) => {
      start(() => chance);
      for (const step of before) {
        now += step.ms;
        call(step.verdict);
      }
      // Five minutes without an answer, asked ten times a second.
      let sent = 0;
      for (let n = 0; n < 3_000; n += 1) {
        now += 100;
        sent += call('failed');
      }
      expect(circuit.state).toBe('open');
      expect(sent).toBeLessThan(25);
      // Then all is well.
      const end = now;
      while (circuit.state !== 'closed') {
        now += 100;
        call('answered');
        expect(now - end).toBeLessThanOrEqual(30_100);
      }
      expect(call('answered')).toBe(1);
    }),
    { numRuns: 30 },
  );
});

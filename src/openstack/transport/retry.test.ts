import type { Dispatcher } from 'undici';
import { describe, expect, it } from 'vitest';
import {
  createError,
  type OpenStackError,
  type OpenStackErrorCode,
  type OpenStackErrorDetails,
} from '../errors.ts';
import { type Call, type CallOptions, failEarly, type HttpAnswer } from './call.ts';
import { collect } from './collect.ts';
import { parseRetryAfter, type RetryOptions, retry } from './retry.ts';

const failure = (code: OpenStackErrorCode, details: OpenStackErrorDetails = {}) =>
  createError(code, 'no', details);

/** What an attempt meets: an error before any answer, or an answer. */
type Outcome = Error | { status: number; headers?: Record<string, string>; body?: string; breaks?: Error };

/** Makes a call to which attempts fare as told, the last outcome again and again. */
function attempt(outcomes: Outcome[], settings: Partial<Call> = {}, options: Partial<RetryOptions> = {}) {
  let tries = 0;
  const controller = {} as Dispatcher.DispatchController;
  const wire: Dispatcher.Dispatch = (_options, handler) => {
    const outcome = outcomes[Math.min(tries, outcomes.length - 1)];
    tries += 1;
    if (outcome instanceof Error || !outcome) {
      failEarly(handler, outcome ?? new Error('no outcome'));
      return true;
    }
    handler.onResponseStart?.(controller, outcome.status, outcome.headers ?? {});
    handler.onResponseData?.(controller, Buffer.from(outcome.body ?? ''));
    if (outcome.breaks) handler.onResponseError?.(controller, outcome.breaks);
    else handler.onResponseEnd?.(controller, {});
    return true;
  };
  const closed = new AbortController().signal;
  const repeating = retry({ closed, onRetry: () => {}, now: () => 0, random: () => 0, ...options });
  const call = { service: 'orchestration', method: 'GET', route: '/x', repeat: 'safe', ...settings } as Call;
  const travelling: CallOptions = {
    path: '/x',
    method: 'GET',
    headers: {},
    call,
    progress: { requestId: 'req-1' },
  };
  const answer: Promise<HttpAnswer> = collect(
    { dispatch: repeating(wire) } as unknown as Dispatcher,
    travelling,
  );
  return { answer, tries: () => tries };
}

/** How often a call is tried that always fails like this. */
async function tries(error: Error, repeat: 'safe' | 'unsent'): Promise<number> {
  const tried = attempt([error], { repeat });
  await expect(tried.answer).rejects.toBe(error);
  return tried.tries();
}

describe('retry', () => {
  it.each<[OpenStackErrorCode, OpenStackErrorDetails, number, number]>([
    // code, details, tries when safe, tries when not
    ['ConnectionFailed', { notSent: true }, 3, 3],
    ['ConnectionFailed', {}, 3, 1],
    ['ConnectionFailed', { notSent: true, retryable: false }, 1, 1],
    ['TooManyRequests', { status: 429 }, 3, 1],
    ['TooManyRequests', { status: 429, retryAfterMs: 11_000 }, 1, 1],
    ['ServerError', { status: 500 }, 1, 1],
    ['Overloaded', {}, 3, 1],
    ['ServerError', { status: 502 }, 3, 1],
    ['ServerError', { status: 503 }, 3, 1],
    ['ServerError', { status: 504 }, 3, 1],
    ['Timeout', {}, 1, 1],
    ['Timeout', { notSent: true }, 1, 1],
    ['CircuitOpen', { notSent: true, retryAfterMs: 1 }, 1, 1],
    ['InvalidResponse', {}, 1, 1],
    ['Conflict.ActionInProgress', { status: 409 }, 1, 1],
    ['Unauthorized', { status: 401 }, 1, 1],
    ['Forbidden', { status: 403 }, 1, 1],
    ['ResourceNotFound', { status: 404 }, 1, 1],
    ['BadRequest', { status: 400 }, 1, 1],
  ])(
    '%s %o is tried %i times, or %i when a repeat could change something',
    async (code, details, safe, unsent) => {
      expect(await tries(failure(code, details), 'safe')).toBe(safe);
      expect(await tries(failure(code, details), 'unsent')).toBe(unsent);
    },
  );

  it('repeats nothing that is not an error of this library', async () => {
    expect(await tries(new Error('bug'), 'safe')).toBe(1);
  });

  it.each([
    [429, 3, 1],
    [500, 1, 1],
    [502, 3, 1],
    [503, 3, 1],
    [504, 3, 1],
    [404, 1, 1],
    [200, 1, 1],
  ])(
    'status %i is asked for %i times, or %i, and the last answer is the answer',
    async (status, safe, unsent) => {
      for (const [repeat, times] of [
        ['safe', safe],
        ['unsent', unsent],
      ] as const) {
        const tried = attempt([{ status, body: 'said' }], { repeat });
        expect(await tried.answer).toMatchObject({ status, body: 'said' });
        expect(tried.tries()).toBe(times);
      }
    },
  );

  it('leaves a long Retry-After to the caller', async () => {
    const tried = attempt([{ status: 429, headers: { 'retry-after': '11' } }]);
    expect(await tried.answer).toMatchObject({ status: 429 });
    expect(tried.tries()).toBe(1);
  });

  it('gives nothing of an answer that broke off', async () => {
    const broken = { status: 200, body: 'half', breaks: failure('ConnectionFailed') };
    const tried = attempt([broken, { status: 200, body: 'whole' }]);
    expect((await tried.answer).body).toBe('whole');
  });

  it('waits with full jitter, or as long as it is told', async () => {
    const delays: number[] = [];
    const run = async (headers: Record<string, string>) => {
      const onRetry = (_error: OpenStackError, delayMs: number) => void delays.push(delayMs);
      await attempt([{ status: 503, headers }], {}, { random: () => 0.1, onRetry }).answer;
    };
    await run({});
    await run({ 'retry-after': '0' });
    expect(delays).toEqual([25, 50, 0, 0]);
  });

  it.each(['signal', 'closed'] as const)('ends a wait with the %s', async (which) => {
    const abort = new AbortController();
    const reason = new Error('stop');
    const onRetry = () => abort.abort(reason);
    const busy = { status: 503, headers: { 'retry-after': '9' } };
    const started = performance.now();
    const settings = which === 'signal' ? { signal: abort.signal } : {};
    const options = which === 'closed' ? { closed: abort.signal } : {};
    await expect(attempt([busy], settings, { onRetry, ...options }).answer).rejects.toBe(reason);
    expect(performance.now() - started).toBeLessThan(8_000);
  });
});

describe('parseRetryAfter', () => {
  const now = Date.parse('2026-11-23T12:00:00Z');
  it.each([
    [undefined, undefined],
    ['', undefined],
    ['soon', undefined],
    ['0', 0],
    ['5', 5_000],
    ['999999', 3_600_000],
    ['Mon, 23 Nov 2026 12:00:30 GMT', 30_000],
    ['Mon, 23 Nov 2026 11:00:00 GMT', 0],
    ['Mon, 23 Nov 2027 12:00:00 GMT', 3_600_000],
    ['Monday, 23-Nov-26 12:00:30 GMT', 30_000],
    ['Mon Nov 23 12:00:30 2026', 30_000],
    [' 5 ', 5_000],
    ['9'.repeat(400), 3_600_000],
    ['-5', undefined],
    ['+5', undefined],
    ['1.5', undefined],
    ['1e3', undefined],
    ['0x10', undefined],
    ['5 s', undefined],
    ['5, 6', undefined],
    ['5;q=1', undefined],
    ['\u0665', undefined],
    ['Infinity', undefined],
    ['2026', 2_026_000],
    ['2026-11-23', undefined],
    ['2026-11-23T12:00:30Z', undefined],
    ['Nov 23 2026', undefined],
    ['Mon, ', undefined],
    ['Mon, 99 Foo 2026 12:00:30 GMT', undefined],
    [`Mon, ${'x'.repeat(100_000)}`, undefined],
  ])('reads %j as %j ms', (header, ms) => {
    expect(parseRetryAfter(header, now)).toBe(ms);
  });

  it('reads a date without a zone as UTC, wherever it is', () => {
    const zone = process.env['TZ'];
    try {
      process.env['TZ'] = 'America/New_York';
      expect(new Date(0).getTimezoneOffset()).not.toBe(0);
      expect(parseRetryAfter('Mon Nov 23 12:00:30 2026', now)).toBe(30_000);
    } finally {
      if (zone === undefined) delete process.env['TZ'];
      else process.env['TZ'] = zone;
    }
  });
});

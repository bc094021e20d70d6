import { describe, expect, it } from 'vitest';
import {
  createError,
  type OpenStackError,
  type OpenStackErrorCode,
  type OpenStackErrorDetails,
} from './errors.ts';
import { parseRetryAfter, withRetry } from './retry.ts';

const failure = (code: OpenStackErrorCode, details: OpenStackErrorDetails = {}) =>
  createError(code, 'no', details);

/** How often a call is tried that always fails like this. */
async function tries(error: Error, repeat: 'safe' | 'unsent'): Promise<number> {
  let count = 0;
  const attempt = async () => {
    count += 1;
    throw error;
  };
  await expect(withRetry(attempt, { repeat, random: () => 0 })).rejects.toBe(error);
  return count;
}

describe('withRetry', () => {
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

  it('waits with full jitter, or as long as it is told', async () => {
    const delays: number[] = [];
    const run = (error: OpenStackError) => {
      const attempt = () => Promise.reject(error);
      const onRetry = (_error: OpenStackError, delayMs: number) => void delays.push(delayMs);
      return withRetry(attempt, { repeat: 'safe', random: () => 0.1, onRetry }).catch(() => undefined);
    };
    await run(failure('ServerError', { status: 503 }));
    await run(failure('ServerError', { status: 503, retryAfterMs: 7 }));
    expect(delays).toEqual([25, 50, 7, 7]);
  });

  it('ends a wait with the signal', async () => {
    const abort = new AbortController();
    const reason = new Error('stop');
    const attempt = () => Promise.reject(failure('ServerError', { status: 503, retryAfterMs: 9_000 }));
    const onRetry = () => abort.abort(reason);
    const started = performance.now();
    await expect(withRetry(attempt, { repeat: 'safe', signal: abort.signal, onRetry })).rejects.toBe(reason);
    expect(performance.now() - started).toBeLessThan(4_000);
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
  ])('reads %j as %j ms', (header, ms) => {
    expect(parseRetryAfter(header, now)).toBe(ms);
  });
});

import type { LogLine } from './log-file.ts';

/**
 * Where operators serve a page, as their log tells: their own addresses have port 0.
 *
 * @returns an address for each operator, in the order in which they began
 */
export function addressesOf(log: readonly LogLine[], page: '/healthz' | '/metrics' | '/readyz'): string[] {
  return log
    .filter(({ msg, paths }) => msg === 'listening' && (paths as string[]).includes(page))
    .map(({ port }) => `http://127.0.0.1:${port}${page}`);
}

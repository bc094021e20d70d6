import { writeFileSync } from 'node:fs';
import type { Reporter } from 'vitest/node';

/** The environment variable with the file that is written. */
export const UNHANDLED_FILE = 'HEATSTACK_UNHANDLED';

/** A reporter that writes how many errors no test handled: the JSON report doesn't say, and no second run excuses them. */
export default class UnhandledErrors implements Reporter {
  onTestRunEnd(...[, errors]: Parameters<NonNullable<Reporter['onTestRunEnd']>>): void {
    const file = process.env[UNHANDLED_FILE];
    if (file) writeFileSync(file, String(errors.length));
  }
}

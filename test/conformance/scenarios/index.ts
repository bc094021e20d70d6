import type { Scenario } from '../scenario.ts';
import { CREATING } from './creating.ts';
import { LISTING } from './listing.ts';
import { READING } from './reading.ts';

/** All scenarios, in the order of the table. */
export const SCENARIOS: readonly Scenario[] = [...CREATING, ...READING, ...LISTING];

import type { Scenario } from '../scenario.ts';
import { READING } from './reading.ts';

/** All scenarios, in the order of the table. */
export const SCENARIOS: readonly Scenario[] = [...READING];

import type { Scenario } from '../scenario.ts';
import { ACTING } from './acting.ts';
import { ASKING } from './asking.ts';
import { CREATING } from './creating.ts';
import { LISTING } from './listing.ts';
import { PARTS } from './parts.ts';
import { READING } from './reading.ts';
import { UPDATING } from './updating.ts';
import { WIRE } from './wire.ts';

/** All scenarios, in the order of the table. */
export const SCENARIOS: readonly Scenario[] = [
  ...CREATING,
  ...READING,
  ...LISTING,
  ...UPDATING,
  ...PARTS,
  ...ACTING,
  ...ASKING,
  ...WIRE,
];

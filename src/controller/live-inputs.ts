import type { JsonObject } from '../json.ts';
import { isOpenStackError, type Stack } from '../openstack/index.ts';
import type { HeatClient } from './heat-client.ts';

/** What Heat has of a stack's inputs. */
export interface LiveInputs {
  /** `undefined` when it can't be read. */
  template: JsonObject | undefined;
  /** `undefined` when they can't be read. */
  files: Record<string, string> | undefined;
  environment: JsonObject;
  tags: readonly string[];
  timeoutMins: number | undefined;
  disableRollback: boolean | undefined;
}

/**
 * Reads the inputs that Heat has, with two requests.
 *
 * @param stack from a GET of it: a row of a list has neither time-out nor rollback
 * @param environment what Heat has of it, read before
 */
export async function readLiveInputs(
  heat: HeatClient,
  stack: Stack,
  environment: JsonObject,
  signal: AbortSignal,
): Promise<LiveInputs> {
  const { id, name, tags, timeoutMins, disableRollback } = stack;
  // Heat 27 gives out a template with an infinite number as what is no JSON, and one with nested aliases as many MB.
  const template = await ifReadable(heat.stackTemplate({ id, name }, { signal }));
  // Among them are those that Heat fetched itself, of any size.
  const files = await ifReadable(heat.stackFiles({ id, name }, { signal }));
  return { template, files, environment, tags, timeoutMins, disableRollback };
}

async function ifReadable<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (isOpenStackError(error, 'ResponseTooLarge', 'InvalidResponse')) return undefined;
    throw error;
  }
}

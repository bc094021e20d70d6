import type { Json } from '../../src/json.ts';
import type { Orchestration } from '../../src/openstack/index.ts';
import type { Answer, Asking } from './recording-proxy.ts';
import type { Fixtures, World } from './world.ts';

/** What every scenario has. */
export interface Basics extends Fixtures {
  /** For a stack of the scenario's own; each client's run has another. */
  name: string;
}

/** The value of an outcome, or its error; see {@link import('./outcome.ts').Outcome}. Only what is named is compared. */
export interface Expected {
  value?: Json;
  error?: string;
  code?: string;
  status?: number;
  type?: string | undefined;
  /** What `after` answers. */
  after?: Json;
  /** As in `GET /stacks/<name> 302`. */
  requests?: string[];
  /** The requests that changed something: `{method, path, body}`. */
  writes?: Json;
}

/** One thing that both clients do to the same Heat. */
export interface Scenario<TGiven extends object = object> {
  /** What is done; also the row of the table. */
  name: string;
  /** "alice" has only the fixtures, which nobody changes; the default, "demo", is for the scenarios' own stacks. */
  cloud?: 'demo' | 'alice' | 'admin';
  /** Asks until something is so: how often differs from run to run. */
  polls?: boolean;
  /** Makes what the scenario begins with, for each client anew; without either client. */
  prepare?: (world: World) => Promise<TGiven>;
  /** Python, an expression or the body of a function: see sdk.py. */
  sdk: string;
  ours: (given: TGiven & Basics & { heat: Orchestration }) => unknown;
  /** What is in Heat then, seen by neither client. */
  after?: (world: World, given: TGiven & Basics) => Promise<unknown>;
  /** Changes answers on their way. */
  tamper?: (answer: Answer, request: Asking, given: TGiven & Basics) => Partial<Answer> | undefined;
  /** What both do, in a scenario where they do the same. */
  expect?: Expected;
  /** What ours tells besides, such as Heat's type of an error. */
  tells?: Expected;
  /** Why they should differ, and what each does. */
  better?: { because: string; sdk: Expected; ours: Expected };
}

/** Lets TypeScript find out what `prepare` gives. */
export function scenario<TGiven extends object>(
  it: Scenario<TGiven> & ({ expect: Expected } | { better: object }),
): Scenario {
  return it as unknown as Scenario;
}

/** Of a call that openstacksdk doesn't have. */
export const lacking = (ours: Expected, because = 'openstacksdk has no such call.') => ({
  because,
  sdk: { error: 'AttributeError' },
  ours,
});

/** The names of things, sorted. */
export async function names(things: AsyncIterable<{ name: string }>): Promise<string[]> {
  return (await Array.fromAsync(things)).map(({ name }) => name).sort();
}

import type { Connection, Orchestration } from '../openstack/index.ts';

/** The calls of Heat that the operator makes. */
export type HeatClient = Pick<
  Orchestration,
  | 'createStack'
  | 'findStack'
  | 'stacks'
  | 'getStack'
  | 'updateStack'
  | 'previewStackUpdate'
  | 'deleteStack'
  | 'resources'
  | 'events'
  | 'stackTemplate'
  | 'stackEnvironment'
  | 'checkStack'
  | 'suspendStack'
  | 'resumeStack'
  | 'cancelUpdate'
  | 'cancelWithoutRollback'
  | 'stackFiles'
>;

/** What the operator needs of a connection. */
export interface CloudConnection extends Omit<Connection, 'orchestration' | typeof Symbol.asyncDispose> {
  readonly orchestration?: HeatClient | undefined;
}

/**
 * The conditions of a HeatStack, all computed here and nowhere else.
 *
 * kstatus (Flux, Argo CD, `helm --wait`) reads Ready=False alone as "in progress" for ever, and the first of
 * Reconciling and Stalled in list order as the truth. So: Ready=True has neither, Ready=False has exactly one,
 * Ready=Unknown has Reconciling unless the object is suspended. An {@link Outcome} can't say anything else.
 */
import { clip } from './clip.ts';
import type { Condition } from './heat-stack.ts';
import type {
  AvailableReason,
  ConditionType,
  DriftedReason,
  NotReadyReason,
  ReadyReason,
  ReconcilingReason,
  WorkingReason,
} from './reasons.ts';
import { timestamp } from './timestamp.ts';

/** How things stand after a reconcile. */
export type Outcome =
  /** Heat has what the spec asks for: Ready is True. */
  | { state: 'ready'; message: string }
  /** Heat is at work, or we are and nothing went wrong: Ready is Unknown. */
  | { state: 'working'; reason?: WorkingReason; message: string }
  /** Something is missing or failed, and it will be tried again without anybody's help: Ready is False. */
  | { state: 'retrying'; reason: NotReadyReason; message: string }
  /** Nothing will happen until somebody changes something: Ready is False. */
  | { state: 'stalled'; reason: NotReadyReason; message: string }
  /**
   * `spec.suspend` is true. If the inputs are those of the time before (`unchanged`), a stack that was ready or stalled
   * stays so; otherwise Ready is Unknown, since nobody looks.
   */
  | { state: 'suspended'; unchanged: boolean };

/** Whether there is a stack that last ended COMPLETE. */
export interface Availability {
  status: Condition['status'];
  reason: AvailableReason;
  message: string;
}

export interface SummaryInput {
  /** `metadata.generation` of the object that was looked at. */
  generation: number;
  outcome: Outcome;
  /** Left out when the stack wasn't looked at: then what was known stays. */
  available?: Availability | undefined;
  /**
   * What another client changed in the stack's inputs, none for nothing; null when nobody looks for it. Left out when
   * that wasn't looked at: what was known stays.
   */
  drift?: readonly string[] | null | undefined;
  /** The conditions of the status so far, whoever wrote them; those of unknown types are dropped. */
  previous?: readonly Condition[] | undefined;
  /** Milliseconds since 1970. */
  now: number;
}

/** Longest message of a condition, in UTF-16 units; a schema allows 32 KiB, nobody reads more than this. */
export const MAX_MESSAGE_LENGTH = 1024;

/**
 * The whole list of conditions: Ready, Reconciling (only while True), Stalled (only while True), Available,
 * Progressing and Drifted (once that was looked at), in this order. A condition whose status didn't change keeps its `lastTransitionTime`, so equal
 * input gives an equal list.
 */
export function summarise(input: SummaryInput): Condition[] {
  const previous = new Map(input.previous?.map((condition) => [condition.type, condition]));
  const verdict = judge(input.outcome, previous);
  const { ready, reconciling, stalled } = verdict;
  const drifted = input.drift === undefined ? previous.get('Drifted') : drift(input.drift);
  const available = input.available ?? previous.get('Available') ?? NEVER_LOOKED;

  const make = (type: ConditionType, { status, reason, message }: Verdict): Condition => {
    const before = previous.get(type);
    return {
      type,
      status,
      observedGeneration: input.generation,
      lastTransitionTime: before?.status === status ? before.lastTransitionTime : timestamp(input.now),
      reason,
      message: clip(message, MAX_MESSAGE_LENGTH),
    };
  };
  return [
    make('Ready', ready),
    ...(reconciling ? [make('Reconciling', { ...ready, status: 'True', reason: reconciling })] : []),
    ...(stalled ? [make('Stalled', { ...ready, status: 'True' })] : []),
    make('Available', available),
    make(
      'Progressing',
      reconciling ? { ...ready, status: 'True', reason: reconciling } : { ...ready, status: 'False' },
    ),
    ...(drifted ? [make('Drifted', drifted)] : []),
  ];
}

function drift(fields: readonly string[] | null): (Verdict & { reason: DriftedReason }) | undefined {
  if (!fields) return undefined;
  return fields.length > 0
    ? {
        status: 'True',
        reason: 'DriftDetected',
        message: `Another client changed the stack's inputs: ${fields.join(', ')}.`,
      }
    : {
        status: 'False',
        reason: 'NoDriftDetected',
        message: "Nobody else changed the stack's inputs.",
      };
}

type Verdict = Pick<Condition, 'status' | 'reason' | 'message'>;

interface Judgement {
  ready: Verdict;
  reconciling?: ReconcilingReason;
  stalled?: true;
}

const NEVER_LOOKED: Availability = {
  status: 'Unknown',
  reason: 'Unknown',
  message: 'The stack was not looked at yet.',
};

function judge(outcome: Outcome, previous: ReadonlyMap<string, Condition>): Judgement {
  switch (outcome.state) {
    case 'ready':
      return { ready: ready('True', 'Succeeded', outcome.message) };
    case 'working':
      return {
        ready: ready('Unknown', outcome.reason ?? 'Progressing', outcome.message),
        reconciling: 'Progressing',
      };
    case 'retrying':
      return { ready: ready('False', outcome.reason, outcome.message), reconciling: 'ProgressingWithRetry' };
    case 'stalled':
      return { ready: ready('False', outcome.reason, outcome.message), stalled: true };
    case 'suspended':
      return (outcome.unchanged && asBefore(previous)) || { ready: SUSPENDED };
  }
}

const SUSPENDED = ready('Unknown', 'Suspended', 'spec.suspend is true: set it to false to go on.');

/** The judgement of the time before, if it said that nothing was left to do. */
function asBefore(previous: ReadonlyMap<string, Condition>): Judgement | undefined {
  const before = previous.get('Ready');
  if (before?.status === 'True') return { ready: before };
  if (before?.status === 'False' && previous.get('Stalled')?.status === 'True') {
    return { ready: before, stalled: true };
  }
  return undefined;
}

function ready(status: Condition['status'], reason: ReadyReason, message: string): Verdict {
  return { status, reason, message };
}

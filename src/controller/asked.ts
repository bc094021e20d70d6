import { clip } from '../api/clip.ts';
import { ANNOTATIONS } from '../api/constants.ts';
import type { HandledAction, HeatStack } from '../api/heat-stack.ts';
import { STATUS_LIMITS } from '../api/limits.ts';
import { parseAction, type Request } from './verbs.ts';

type Annotated = Pick<HeatStack, 'metadata'>;

/** The value of one of the annotations that ask for something, as the status can hold it. */
export function annotationOf({ metadata }: Annotated, name: keyof typeof ANNOTATIONS): string | undefined {
  const value = metadata.annotations?.[ANNOTATIONS[name]];
  return value === undefined ? undefined : clip(value, STATUS_LIMITS.handled);
}

/** Whether an annotation asks for something that wasn't handled yet. */
export function isNew(
  object: Annotated,
  name: keyof typeof ANNOTATIONS,
  handled: string | undefined,
): boolean {
  const token = annotationOf(object, name);
  return token !== undefined && token !== handled;
}

/** Whether somebody approved the plan with this id. */
export function approves(object: Annotated, id: string | undefined): boolean {
  return id !== undefined && annotationOf(object, 'approve') === id;
}

/** Whether the object changed since the last look, or somebody asked for one. */
export function isAsked(object: HeatStack): boolean {
  const { metadata, status } = object;
  return (
    status.observedGeneration !== metadata.generation ||
    isNew(object, 'requestedAt', status.lastHandledReconcileAt) ||
    isNew(object, 'forceAt', status.lastHandledForceAt) ||
    isNew(object, 'resetAt', status.lastHandledResetAt) ||
    approves(object, status.plan?.id)
  );
}

/** What the annotation `heatstack.dev/action` asks for; `undefined` once it was handled. */
export function requestOf(object: Annotated, handled: HandledAction | undefined): Request | undefined {
  const value = annotationOf(object, 'action');
  if (value === undefined) return undefined;
  const request = parseAction(value);
  return request.token === handled?.token ? undefined : request;
}

/** Whether Argo CD's health of an object is what kstatus, by which Flux and Helm tell, says of it. */
import { join } from 'node:path';
import * as v from 'valibot';
import type { Version } from '../kstatus/history.ts';
import type { Verdict } from '../kstatus/kstatus.ts';
import { ARGOCD } from './paths.ts';
import { askOf } from './run.ts';

const healthSchema = v.object({
  status: v.picklist(['Healthy', 'Progressing', 'Degraded', 'Suspended']),
  message: v.string(),
});

/** What Argo CD shows of an object. */
export type Health = v.InferOutput<typeof healthSchema>;

/**
 * Asks the health check for Argo CD about objects.
 *
 * @param argocd the program (see programs.ts)
 * @returns a health for each object, in their order
 */
export async function askHealth(argocd: string, objects: readonly Version['object'][]): Promise<Health[]> {
  // A large spec isn't in a history.
  const whole = objects.map((object) => ({ ...object, spec: object.spec ?? {} }));
  const answers = await askOf(argocd, ['health', join(ARGOCD, 'health.lua')], whole);
  return answers.map((answer) => v.parse(healthSchema, answer));
}

/** What is wrong with the health of a version. */
export function judgeHealth({ object }: Version, kstatus: Verdict, { status }: Health): string[] {
  const conditions = new Map(object.status.conditions?.map((condition) => [condition.type, condition]));
  const isSuspended = object.spec?.['suspend'] === true;
  const waits = isSuspended || conditions.get('Ready')?.reason === 'ApprovalRequired';
  const allowed: Record<Verdict['status'], Health['status'][]> = {
    Current: isSuspended
      ? ['Suspended']
      : [conditions.get('Available')?.reason === 'ResourceUnhealthy' ? 'Degraded' : 'Healthy'],
    Failed: ['Degraded'],
    InProgress: waits ? ['Progressing', 'Suspended'] : ['Progressing'],
    Terminating: [conditions.has('Stalled') ? 'Degraded' : 'Progressing', 'Progressing'],
    Unknown: [],
  };
  if (allowed[kstatus.status].includes(status)) return [];
  return [`Argo CD shows ${status}, and kstatus says ${kstatus.status}`];
}

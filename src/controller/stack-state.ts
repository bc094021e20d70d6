/** A stack's or resource's state, read from Heat's `ACTION_STATUS`. */
export interface StackState {
  /** CREATE, UPDATE, DELETE … in Heat's words. */
  action: string;
  status: 'IN_PROGRESS' | 'COMPLETE' | 'FAILED' | 'UNKNOWN';
}

const STATUSES = ['IN_PROGRESS', 'COMPLETE', 'FAILED'] as const;
const ACTIONS = new Set([
  'INIT',
  'CREATE',
  'DELETE',
  'UPDATE',
  'ROLLBACK',
  'SUSPEND',
  'RESUME',
  'ADOPT',
  'SNAPSHOT',
  'CHECK',
  'RESTORE',
]);

/** Splits `UPDATE_IN_PROGRESS`; an action or status that Heat may add one day gives `UNKNOWN`. */
export function parseState(text: string): StackState {
  for (const status of STATUSES) {
    if (!text.endsWith(`_${status}`)) continue;
    const action = text.slice(0, -status.length - 1);
    return { action, status: ACTIONS.has(action) ? status : 'UNKNOWN' };
  }
  return { action: text, status: 'UNKNOWN' };
}

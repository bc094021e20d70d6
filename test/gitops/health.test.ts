import { expect, it } from 'vitest';
import type { Version } from '../kstatus/history.ts';
import type { Verdict } from '../kstatus/kstatus.ts';
import { type Health, judgeHealth } from './health.ts';

/** A version with these conditions, as in `Ready=True:Succeeded`. */
function version(conditions: string, spec: Version['object']['spec'] = {}): Version {
  const list = conditions.split(' ').map((each) => {
    const [, type = '', status = '', reason = ''] = /^(\w+)=(\w+):(\w+)$/.exec(each) ?? [];
    return { type, status, reason };
  });
  const metadata = { name: 'stack', namespace: 'team', uid: 'uid', resourceVersion: '1', generation: 1 };
  return { event: 'MODIFIED', object: { metadata, spec, status: { conditions: list } } };
}

const STATUSES = ['Healthy', 'Progressing', 'Degraded', 'Suspended'] as const;

it.each<[Version, Verdict['status'], Health['status'][]]>([
  [version('Ready=True:Succeeded'), 'Current', ['Healthy']],
  [version('Ready=True:Succeeded Available=False:ResourceUnhealthy'), 'Current', ['Degraded']],
  [version('Ready=True:Succeeded', { suspend: true }), 'Current', ['Suspended']],
  [version('Ready=False:CreateFailed Stalled=True:CreateFailed'), 'Failed', ['Degraded']],
  [version('Ready=Unknown:Progressing'), 'InProgress', ['Progressing']],
  [version('Ready=Unknown:ApprovalRequired'), 'InProgress', ['Progressing', 'Suspended']],
  [version('Ready=Unknown:Suspended', { suspend: true }), 'InProgress', ['Progressing', 'Suspended']],
  [version('Ready=Unknown:Progressing'), 'Terminating', ['Progressing']],
  [version('Ready=False:DeleteFailed Stalled=True:DeleteFailed'), 'Terminating', ['Progressing', 'Degraded']],
  [version('Ready=True:Succeeded'), 'Unknown', []],
])('%j of which kstatus says %s is %j', (object, says, right) => {
  const kstatus = { status: says, message: '' };
  const allowed = STATUSES.filter(
    (status) => judgeHealth(object, kstatus, { status, message: '' }).length === 0,
  );
  expect(allowed.sort()).toEqual([...right].sort());
});

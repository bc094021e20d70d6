import { describe, expect, it } from 'vitest';
import type { Health } from '../gitops/health.ts';
import type { Version } from './history.ts';
import { judgeHistory, judgeVersion } from './judge.ts';
import type { Verdict } from './kstatus.ts';

type Fields = Version['object'];

let count = 0;

function version(
  { metadata, spec, status }: { metadata?: object; spec?: Fields['spec']; status?: object } = {},
  event: Version['event'] = 'MODIFIED',
): Version {
  count += 1;
  return {
    event,
    object: {
      metadata: {
        name: 'stack',
        namespace: 'team',
        uid: 'uid-1',
        resourceVersion: `${count}`,
        generation: 1,
        ...metadata,
      },
      ...(spec && { spec }),
      status: { observedGeneration: 1, ...status },
    },
  };
}

/** `Ready=True:Succeeded Stalled=True` as conditions. */
function conditions(text: string): object[] {
  return text.split(' ').map((each) => {
    const [, type, status, reason = 'Because'] = /^(\w+)=(\w+)(?::(\w+))?$/.exec(each) ?? [];
    return { type, status, reason };
  });
}

const verdict = (status: Verdict['status']): Verdict => ({ status, message: 'so it is' });

/** What Argo CD shows where kstatus says so. */
const healthFor = (says: Verdict['status']): Health => ({
  status: says === 'Current' ? 'Healthy' : says === 'Failed' ? 'Degraded' : 'Progressing',
  message: 'so it is',
});

const unseen = () => version({ status: { observedGeneration: -1 } }, 'ADDED');
const working = () =>
  version({ status: { attemptedDigest: 'one', conditions: conditions('Ready=Unknown Reconciling=True') } });
const COMPLETE = {
  stackStatus: 'CREATE_COMPLETE',
  appliedDigest: 'one',
  attemptedDigest: 'one',
  conditions: conditions('Ready=True:Succeeded'),
};
const complete = (status: object = {}, spec?: Fields['spec']) =>
  version({ status: { ...COMPLETE, ...status }, ...(spec && { spec }) });

describe('judgeVersion', () => {
  it.each<[string, Version, Verdict['status']]>([
    ['a new object', unseen(), 'InProgress'],
    [
      'a new object without a status',
      version({ status: { observedGeneration: undefined } }, 'ADDED'),
      'InProgress',
    ],
    ['work', working(), 'InProgress'],
    [
      'a retry',
      version({ status: { conditions: conditions('Ready=False Reconciling=True') } }),
      'InProgress',
    ],
    ['a failure', version({ status: { conditions: conditions('Ready=False Stalled=True') } }), 'Failed'],
    ['a stack that is complete', complete(), 'Current'],
    ['a rollback to what is wanted', complete({ stackStatus: 'ROLLBACK_COMPLETE' }), 'Current'],
    [
      'a suspended object',
      version({ status: { conditions: conditions('Ready=Unknown:Suspended') } }),
      'InProgress',
    ],
    ['a newer generation', version({ metadata: { generation: 2 }, status: COMPLETE }), 'InProgress'],
    [
      'a newer generation of what had failed',
      version({
        metadata: { generation: 2 },
        status: { conditions: conditions('Ready=False Stalled=True') },
      }),
      'InProgress',
    ],
    ['a deletion', version({ metadata: { deletionTimestamp: 'now' }, status: COMPLETE }), 'Terminating'],
    [
      'a stack that is only observed',
      version({
        spec: { managementPolicy: 'unmanaged' },
        status: { stackStatus: 'CREATE_COMPLETE', conditions: conditions('Ready=True') },
      }),
      'Current',
    ],
  ])('takes %s only for what it is', (_, object, right) => {
    expect(judgeVersion(object, verdict(right))).toEqual([]);
    for (const wrong of ['Current', 'InProgress', 'Failed', 'Terminating', 'Unknown'] as const) {
      if (wrong !== right)
        expect(judgeVersion(object, verdict(wrong)).join()).toContain(`instead of ${right}`);
    }
  });

  it.each<[string, object, Fields['spec'], string]>([
    [
      'a stack at work',
      { stackStatus: 'UPDATE_IN_PROGRESS' },
      undefined,
      'Current of a stack UPDATE_IN_PROGRESS',
    ],
    ['a stack that failed', { stackStatus: 'UPDATE_FAILED' }, undefined, 'Current of a stack UPDATE_FAILED'],
    [
      'a stack that is asleep',
      { stackStatus: 'SUSPEND_COMPLETE' },
      undefined,
      'Current of a stack SUSPEND_COMPLETE',
    ],
    ['no stack', { stackStatus: undefined }, undefined, 'Current of a stack undefined'],
    [
      'a stack that is observed at work',
      { stackStatus: 'UPDATE_IN_PROGRESS' },
      { managementPolicy: 'unmanaged' },
      'Current of a stack',
    ],
    ['other inputs', { appliedDigest: 'two' }, undefined, 'has the inputs two, and one were sent'],
    [
      'unknown inputs',
      { appliedDigest: undefined, attemptedDigest: undefined },
      undefined,
      'has the inputs undefined',
    ],
  ])('takes a Current amiss of %s', (_, status, spec, what) => {
    expect(judgeVersion(complete(status, spec), verdict('Current'))).toEqual([expect.stringContaining(what)]);
  });

  it.each([
    ['Ready=True Reconciling=True', 'InProgress'],
    ['Ready=True Stalled=True', 'Failed'],
    ['Ready=False', 'InProgress'],
    ['Ready=False Reconciling=True Stalled=True', 'Failed'],
    ['Ready=Unknown', 'InProgress'],
    ['Ready=Unknown Stalled=True', 'Failed'],
    ['Ready=Unknown:Suspended Reconciling=True', 'InProgress'],
    ['Available=True', 'InProgress'],
  ] as const)('takes %s amiss', (text, says) => {
    const object = version({ status: { ...COMPLETE, conditions: conditions(text) } });
    expect(judgeVersion(object, verdict(says))).toEqual([expect.stringContaining('beside')]);
  });
});

describe('judgeHistory', () => {
  /** Judges versions of which kstatus says this. */
  function judge(steps: [version: Version, says: Verdict['status']][], byHand: Version[] = []) {
    const history = {
      versions: steps.map(([each]) => each),
      byHand: new Set(byHand.map(({ object }) => object.metadata.resourceVersion)),
    };
    return judgeHistory(
      history,
      steps.map(([, says]) => verdict(says)),
      steps.map(([, says]) => healthFor(says)),
    );
  }

  it('counts versions and objects, and says which version is wrong', () => {
    const wrong = working();
    const judgement = judge([
      [unseen(), 'InProgress'],
      [wrong, 'Current'],
      [complete(), 'Current'],
    ]);
    expect(judgement).toMatchObject({ versions: 3, objects: 1 });
    expect(judgement.problems[0]).toContain(
      `team/stack version ${wrong.object.metadata.resourceVersion}: kstatus says`,
    );
  });

  it('says so when Argo CD shows something else, or was not asked', () => {
    const history = { versions: [unseen()], byHand: new Set<string>() };
    const judged = (healths: Health[]) => judgeHistory(history, [verdict('InProgress')], healths).problems;
    expect(judged([healthFor('Current')])).toEqual([expect.stringContaining('Argo CD shows Healthy')]);
    expect(judged([])).toEqual([expect.stringContaining('Argo CD was not asked')]);
  });

  it('is content with a whole life', () => {
    const gone = version({ metadata: { deletionTimestamp: 'now' }, status: COMPLETE }, 'DELETED');
    expect(
      judge([
        [unseen(), 'InProgress'],
        [working(), 'InProgress'],
        [complete(), 'Current'],
        [gone, 'Terminating'],
      ]),
    ).toEqual({ versions: 3, objects: 1, problems: [] });
  });

  it.each([
    ['by a change', complete()],
    ['by somebody having looked', version({ status: COMPLETE }, 'ADDED')],
  ])('takes a history amiss that begins %s', (_, first) => {
    expect(judge([[first, 'Current']]).problems).toEqual([expect.stringContaining('does not begin')]);
  });

  it('knows that a lost watch loses versions', () => {
    expect(judge([[version({ status: COMPLETE }, 'LISTED'), 'Current']]).problems).toEqual([]);
  });

  it('leaves out a status written by hand, until the operator writes another', () => {
    const forged = version({ status: { conditions: [] } });
    const relabelled = version({ status: { conditions: [] } });
    const healed = complete();
    const steps: [Version, Verdict['status']][] = [
      [unseen(), 'InProgress'],
      [forged, 'Current'],
      [relabelled, 'Current'],
      [healed, 'Failed'],
    ];
    const { versions, problems } = judge(steps, [forged]);
    expect(versions).toBe(2);
    expect(problems).toEqual([expect.stringContaining(`version ${healed.object.metadata.resourceVersion}:`)]);
    expect(judge(steps).problems.length).toBeGreaterThan(1);
  });

  it.each<[string, Fields['spec'], number]>([
    ['another template', { template: { inline: 'b' }, parameters: { size: 1 } }, 1],
    ['another parameter', { template: { inline: 'a' }, parameters: { size: 2 } }, 1],
    ['a parameter that is not set', { template: { inline: 'a' }, parameters: { size: 1, more: null } }, 0],
    ['a template from elsewhere', { template: {} }, 0],
  ])('takes the same digest amiss only of other inputs: %s', (_, spec, problems) => {
    const judgement = judge([
      [unseen(), 'InProgress'],
      [complete({}, { template: { inline: 'a' }, parameters: { size: 1 } }), 'Current'],
      [complete({}, spec), 'Current'],
    ]);
    expect(judgement.problems).toHaveLength(problems);
  });
});

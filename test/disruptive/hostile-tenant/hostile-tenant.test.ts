import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { HEAT_STACKS } from '../../../src/api/constants.ts';
import { HostileCloud } from '../../support/hostile-cloud.ts';
import { condition, type Operator, RANDOM_STRING, scenario } from '../../support/scenario.ts';
import { CASES, type Case, growing } from './cases.ts';
import { ProcessMemory } from './memory.ts';

/** The most that one tenant may cost, in MiB. */
const MOST = 200;
/** In which another tenant's stack is to be Ready, in ms; a machine with other work to do has more tries. */
const SOON = 10_000;
const TRIES = 3;

const victim = scenario('hostile-tenant-victim');
const attacker = scenario('hostile-tenant-attacker');
const clouds: HostileCloud[] = [];
let operator: Operator;
let memory: ProcessMemory;
let idle: number;
let count = 0;

beforeAll(async () => {
  operator = await victim.startOperator(['--namespace', attacker.namespace, '--log-level', 'info']);
  memory = new ProcessMemory(operator.pid);
  // The first one brings the code into memory.
  await readyInTime();
  idle = await memory.settled();
}, 120_000);

afterEach(async () => {
  // What hangs ends so.
  await Promise.all(clouds.splice(0).map((cloud) => cloud.stop()));
  const { namespace } = attacker;
  const { items } = await attacker.kube.list(HEAT_STACKS, { namespace, metadataOnly: true });
  for (const { metadata } of items) {
    const ref = { namespace, name: metadata.name };
    await attacker.kube.delete(HEAT_STACKS, ref);
    // The operator may be quicker.
    await attacker.kube
      .mergePatch(HEAT_STACKS, ref, { metadata: { finalizers: null } })
      .catch(() => undefined);
  }
}, 120_000);

/** Makes a stack of the other tenant in the real Heat. @returns how long it took, in ms */
async function readyInTime(): Promise<void> {
  for (let tried = 1; ; tried += 1) {
    const name = `${victim.namespace}-${++count}`;
    const start = performance.now();
    await victim.apply(name, { template: { inline: RANDOM_STRING } });
    await victim.ready(name);
    const took = performance.now() - start;
    // What it takes to go doesn't matter here.
    await victim.kube.delete(HEAT_STACKS, { namespace: victim.namespace, name });
    if (took <= SOON) return;
    if (tried === TRIES) throw new Error(`the other tenant's stack was Ready after ${Math.round(took)} ms`);
  }
}

/** Does what a tenant might do; resolves when the operator is at it. @returns the name of the HeatStack */
async function attack({
  cloud: turn,
  spec = { template: { inline: RANDOM_STRING } },
  cloudsYaml,
}: Case): Promise<string> {
  const name = `attack-${++count}`;
  const cloud = await new HostileCloud().start();
  clouds.push(cloud);
  turn?.(cloud, cloud.stack(name));
  await attacker.writeSecret(name, { 'clouds.yaml': cloudsYaml?.(cloud) ?? cloud.cloudsYaml() });
  const known = {
    cloudCredentialsRef: { secretName: name, cloudName: 'demo' },
    managedOptions: { onDelete: 'detach' },
  };
  const manifest = { ...attacker.manifest(name, {}), spec: known };
  const own = typeof spec === 'string' ? spec : JSON.stringify(spec);
  // As text, and by no client that would parse it.
  const text = JSON.stringify(manifest).replace(
    '"managedOptions"',
    () => `${own.slice(1, -1)},"managedOptions"`,
  );
  const path = `/apis/${HEAT_STACKS.group}/${HEAT_STACKS.version}/namespaces/${attacker.namespace}/${HEAT_STACKS.plural}`;
  await attacker.kubectl(['create', '--raw', path, '-f', '-'], { stdin: text, namespaced: false });
  return name;
}

/** A HeatStack of 1.4 MiB. */
function large(): Case {
  const text = 'x'.repeat(700 * 1024);
  return { spec: { template: { inline: RANDOM_STRING }, files: { one: text, two: text } } };
}

async function end(name: string, ends: Case['ends']): Promise<void> {
  if (ends === undefined) return;
  if (ends === 'Ready') {
    await attacker.ready(name);
    return;
  }
  const [reason, message] = ends;
  const object = await attacker.notReady(name, reason);
  expect(condition(object, 'Ready')?.message).toMatch(message);
}

function expectModest(): void {
  const cost = memory.peak - idle;
  if (process.env['HEATSTACK_MEASURE'])
    console.log(`idle ${idle.toFixed(0)} MiB, peak +${cost.toFixed(0)} MiB`);
  expect(cost).toBeLessThan(MOST);
}

describe('bears', () => {
  test.each(Object.entries(CASES))('%s', async (_what, attempt) => {
    memory.forgetPeak();
    const name = await attack(attempt);
    await readyInTime();
    await end(name, attempt.ends);
    expectModest();
  });

  test('a stack whose outputs are 37 MB, in a real Heat', async () => {
    memory.forgetPeak();
    const name = `${attacker.namespace}-growing`;
    const template = growing();
    expect(template.length).toBeLessThan(2500);
    await attacker.apply(name, { template: { inline: template } });
    await readyInTime();
    const { status } = await attacker.ready(name, 120_000);
    expect(status).not.toHaveProperty('outputs');
    // The operator's log is the victim's.
    const reasons = async () => (await attacker.events(name)).map(({ reason }) => reason);
    await expect.poll(reasons).toContain('OutputsTooLarge');
    expectModest();
    await attacker.delete(name);
    await attacker.gone(name);
  });

  test('a large object that is written again and again', async () => {
    memory.forgetPeak();
    const name = await attack(large());
    const others = new AbortController();
    const writing = (async () => {
      for (let i = 0; !others.signal.aborted; i += 1) {
        const patch = { metadata: { annotations: { 'example.com/again': String(i) } } };
        await attacker.kube.mergePatch(HEAT_STACKS, { namespace: attacker.namespace, name }, patch);
      }
    })();
    try {
      await readyInTime();
      await readyInTime();
    } finally {
      others.abort();
      await writing;
    }
    expectModest();
  });

  test('more large objects than fit into a list', async () => {
    for (let i = 0; i < 48; i += 1) await attack({ ...large(), cloudsYaml: () => 'clouds: {}' });
    memory.forgetPeak();
    await readyInTime();
    expectModest();
    // They are listed when an operator starts.
    const another = new ProcessMemory((await attacker.startOperator(['--log-level', 'info'])).pid);
    expect((await another.settled()) - idle).toBeLessThan(MOST);
    expect(another.peak - idle).toBeLessThan(MOST);
  }, 300_000);

  test('all of it at once, and hundreds of objects whose cloud says nothing', async () => {
    memory.forgetPeak();
    const silent = await attack(CASES['a Heat that says nothing to a create'] ?? {});
    const many = Array.from({ length: 300 }, (_, i) =>
      attacker.manifest(`silent-${i}`, {
        cloudCredentialsRef: { secretName: silent, cloudName: 'demo' },
        template: { inline: RANDOM_STRING },
      }),
    );
    // The silent ones last: they keep all of the namespace's workers.
    for (const attempt of Object.values(CASES)) await attack(attempt);
    await readyInTime();
    await attacker.applyAll(many);
    await readyInTime();
    await readyInTime();
    expectModest();
  }, 300_000);
});

test('the operator is the one that was started, and has failed at nothing', () => {
  expect(memory.now).toBeGreaterThan(0);
  const faults = operator
    .log()
    .filter(({ error = '' }) => /call stack|not a function|undefined|memory/.test(String(error)));
  expect(faults).toEqual([]);
});

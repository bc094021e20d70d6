import { expect, it } from 'vitest';
import type { HeldAnswers } from '../../support/heat-proxy.ts';
import { eventually, scenario, slowTemplate } from '../../support/scenario.ts';
import { heatProxy, oneStackEach, useProxy } from '../support/heat.ts';
import { installed, kubectl, NAMESPACE } from '../support/installation.ts';
import { pauseNode } from '../support/node.ts';
import { inOperator, isReady, operatorPods, type Pod, restarted, signalOperator } from '../support/pods.ts';

const proxy = heatProxy();
const release = installed({ resources: { limits: { memory: '128Mi' } } });
const s = scenario('crash');
useProxy(s, proxy);

/** Fills the operator's memory by its inspector, which SIGUSR1 starts, until the kernel ends it. */
const FILL = `(async () => {
  const found = () => fetch('http://127.0.0.1:9229/json').then((answer) => answer.json()).catch(() => undefined);
  let targets;
  while (!(targets = await found())) await new Promise((resolve) => setTimeout(resolve, 100));
  const expression = 'globalThis.taken = []; setInterval(() => taken.push(Buffer.alloc(2 ** 20, 1)), 5)';
  const socket = new WebSocket(targets[0].webSocketDebuggerUrl);
  socket.onopen = () => socket.send(JSON.stringify({ id: 1, method: 'Runtime.evaluate', params: { expression } }));
})()`;

async function useUpMemory(pod: Pod): Promise<void> {
  signalOperator(pod, 'SIGUSR1');
  // It ends with the operator, whose process namespace it is in.
  await inOperator(release, FILL).catch(() => undefined);
  expect(await restarted(release, pod)).toMatchObject({ reason: 'OOMKilled', exitCode: 137 });
}

/**
 * How the operator ends; resolves when it has. In this order no pod's container is restarted twice, which a kubelet puts
 * off.
 */
const ENDS: [string, (pod: Pod, name: string, held: HeldAnswers) => Promise<void>][] = [
  [
    'killed',
    async (pod) => {
      signalOperator(pod, 'SIGKILL');
      expect(await restarted(release, pod)).toMatchObject({ exitCode: 137 });
    },
  ],
  [
    // Its successor starts while it waits for Heat's answer.
    'pod-deleted',
    async (pod, name) => {
      await kubectl(['delete', 'pod', '-n', NAMESPACE, pod.metadata.name, '--wait=false']);
      await s.until(name, 'found', ({ status }) => status.id !== undefined);
      const [successor] = await operatorPods(release);
      expect(successor?.metadata.name).not.toBe(pod.metadata.name);
    },
  ],
  ['out-of-memory', useUpMemory],
  [
    // Whoever is between operator and Heat doesn't wait for it, and the answer is lost.
    'node-paused',
    async (pod, _, held) => {
      await pauseNode(() => held.lose());
      const restarts = (of: Pod | undefined) => [
        of?.metadata.uid,
        of?.status.containerStatuses?.[0]?.restartCount,
      ];
      expect(restarts((await operatorPods(release))[0])).toEqual(restarts(pod));
    },
  ],
];

it.each(ENDS)('%s in the middle of a create', async (how, end) => {
  const name = `${s.namespace}-${how}`;
  const posts = proxy.count('POST', '/stacks');
  const held = proxy.hold('POST');
  await s.apply(name, { template: { inline: slowTemplate(2) } });
  await held.arrived;
  const [pod] = await operatorPods(release);
  if (!pod) throw new Error('no pod');
  expect((await s.get(name))?.status.id).toBeUndefined();
  await end(pod, name, held);
  held.release();
  await oneStackEach(s, [name]);
  expect(proxy.count('POST', '/stacks')).toBe(posts + 1);
  expect(proxy.count('PUT')).toBe(0);
  // For the next: one pod that is ready.
  await eventually(
    async () => (await operatorPods(release)).every(isReady),
    () => 'the pod is not ready again',
  );
});

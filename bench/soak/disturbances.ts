import { setTimeout as sleep } from 'node:timers/promises';
import type { KubeClient } from '../../src/kube/index.ts';
import type { TcpProxy } from '../../test/disruptive/watch-survival/proxy.ts';
import { changeCredentials } from '../operator/fleet.ts';
import type { StandInHeat } from '../operator/heat.ts';

/** From one disturbance to the next, in ms. They take turns. */
const INTERVAL_MS = 20_000;

export interface DisturbancesOptions {
  client: KubeClient;
  heat: StandInHeat;
  /** Between the operator and the API server. */
  proxy: TcpProxy;
  namespaces: readonly string[];
  /** None begins after this, by `Date.now()`. */
  until: number;
  signal: AbortSignal;
}

/**
 * Tokens that are revoked, watches that are cut, and credentials that change: after each of them the operator makes
 * something anew, and must leave nothing of the old.
 *
 * @returns how often each happened
 */
export async function disturb(options: DisturbancesOptions): Promise<Record<string, number>> {
  const { client, heat, proxy, namespaces, until, signal } = options;
  let user = 0;
  const all: Record<string, () => Promise<void>> = {
    'tokens revoked': () => heat.revokeTokens(),
    'connections to the API server cut': async () => {
      proxy.tear();
      proxy.mend();
    },
    'credentials changed': async () => {
      user += 1;
      const namespace = namespaces[user % namespaces.length] ?? '';
      await changeCredentials(client, namespace, credentialsOf(heat, namespace, user), signal);
    },
  };
  const names = Object.keys(all);
  const counts = Object.fromEntries(names.map((name) => [name, 0]));
  for (let turn = 0; Date.now() + INTERVAL_MS < until; turn += 1) {
    await sleep(INTERVAL_MS, undefined, { signal });
    const name = names[turn % names.length] ?? '';
    await all[name]?.();
    counts[name] = (counts[name] ?? 0) + 1;
  }
  return counts;
}

/** A clouds.yaml for a project of a namespace's own. */
export function credentialsOf(heat: StandInHeat, namespace: string, user: number): string {
  return heat.cloudsYaml({ project: namespace, username: `user-${user}` });
}

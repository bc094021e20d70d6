import { randomBytes } from 'node:crypto';
import type { Logger } from 'pino';
import { HEAT_STACKS } from '../api/constants.ts';
import type { HeatStack } from '../api/heat-stack.ts';
import { isKubeError, type KubeClient, type KubeObject, NAMESPACES, SECRETS } from '../kube/index.ts';

/** Name of the Secret in the operator's namespace that holds the key of all digests. */
export const DIGEST_KEY_SECRET = 'heatstack-operator-digest-key';
const KEY = 'key';
const KEY_BYTES = 32;

/** Something that the operator needs at its start and can't have. */
export class SetupError extends Error {
  override readonly name = 'SetupError';
}

interface Secret extends KubeObject {
  type?: string;
  data?: Record<string, string>;
}

/**
 * The key of all digests, made at the first start. It is kept for ever: with another key no digest and no proof of
 * before is known any more. Then each stack is found by its tags, and its inputs are compared instead.
 *
 * @param options.namespace of the operator
 * @param options.watched namespaces that the operator works in; none means all
 * @throws SetupError when the Secret is there without a usable key.
 */
export async function loadDigestKey(
  client: KubeClient,
  { namespace, watched, logger }: { namespace: string; watched: readonly string[]; logger: Logger },
  signal: AbortSignal,
): Promise<Buffer> {
  const ref = { namespace, name: DIGEST_KEY_SECRET };
  let secret = await client.get<Secret>(SECRETS, ref, { signal });
  if (!secret) {
    const known = await findKnown(client, watched, signal);
    if (known) {
      logger.warn(
        { heatStack: known },
        `Secret ${namespace}/${DIGEST_KEY_SECRET} is missing, though HeatStacks were made with its key; a new key is made. Each stack is found by its tags and its inputs are compared with the spec; none is updated for that. Values of hidden parameters that changed meanwhile can't be seen. If the Secret is elsewhere, or in a backup: stop the operator, restore it or point --operator-namespace to it, and start again`,
      );
    }
    try {
      secret = await client.create<Secret>(
        SECRETS,
        {
          apiVersion: 'v1',
          kind: 'Secret',
          metadata: { ...ref, labels: { 'app.kubernetes.io/managed-by': 'heatstack-operator' } },
          type: 'Opaque',
          data: { [KEY]: randomBytes(KEY_BYTES).toString('base64') },
        },
        { signal },
      );
    } catch (error) {
      if (!isKubeError(error, 'AlreadyExists')) throw error;
      secret = await client.get<Secret>(SECRETS, ref, { signal });
    }
  }
  const key = Buffer.from(secret?.data?.[KEY] ?? '', 'base64');
  if (key.length < KEY_BYTES) {
    throw new SetupError(
      `Secret ${namespace}/${DIGEST_KEY_SECRET} has no usable "${KEY}" (${KEY_BYTES} random bytes); restore it from a backup, or delete it to have a new one made`,
    );
  }
  return key;
}

/** A HeatStack that was made with a key, as `namespace/name`: it tells that the key is lost, or looked for in the wrong place. */
async function findKnown(
  client: KubeClient,
  watched: readonly string[],
  signal: AbortSignal,
): Promise<string | undefined> {
  for (const namespace of watched.length > 0 ? watched : [undefined]) {
    try {
      for await (const { items } of client.pages<HeatStack>(HEAT_STACKS, { namespace, signal })) {
        const known = items.find(({ status }) => status?.ownership !== undefined);
        if (known) return `${known.metadata.namespace}/${known.metadata.name}`;
      }
    } catch (error) {
      // One that may not be looked into is left out, as by the watches.
      if (!isKubeError(error, 'Forbidden')) throw error;
    }
  }
  return undefined;
}

/** The id of the cluster, for the tags of its stacks: the uid of the namespace `kube-system`, which lives as long as the cluster. */
export async function readClusterID(client: KubeClient, signal: AbortSignal): Promise<string> {
  const namespace = await client.get<KubeObject>(NAMESPACES, { name: 'kube-system' }, { signal });
  if (!namespace)
    throw new SetupError('the cluster has no namespace kube-system to take its id from; pass --cluster-id');
  return namespace.metadata.uid;
}

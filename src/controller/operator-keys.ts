import { randomBytes } from 'node:crypto';
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
 * The key of all digests, made at the first start. It is kept for ever: with another key no digest of before is
 * known any more, and every stack would be updated once.
 *
 * @param options.namespace of the operator
 * @param options.watched namespaces that the operator works in; none means all
 * @throws SetupError when the Secret is there without a usable key, or is missing though it was there before.
 */
export async function loadDigestKey(
  client: KubeClient,
  { namespace, watched }: { namespace: string; watched: readonly string[] },
  signal: AbortSignal,
): Promise<Buffer> {
  const ref = { namespace, name: DIGEST_KEY_SECRET };
  let secret = await client.get<Secret>(SECRETS, ref, { signal });
  if (!secret) {
    await refuseNewKey(client, namespace, watched, signal);
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

/** A stack that was made under another key tells that the key is lost, or is looked for in the wrong place. */
async function refuseNewKey(
  client: KubeClient,
  namespace: string,
  watched: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  for (const where of watched.length > 0 ? watched : [undefined]) {
    for await (const { items } of client.pages<HeatStack>(HEAT_STACKS, { namespace: where, signal })) {
      const known = items.find(({ status }) => status?.ownership !== undefined);
      if (!known) continue;
      const { metadata } = known;
      throw new SetupError(
        `Secret ${namespace}/${DIGEST_KEY_SECRET} is missing, though HeatStack ${metadata.namespace}/${metadata.name} was made with its key; restore it from a backup, or point --operator-namespace to where it is. To go on with a new key and have every stack updated once: kubectl create secret generic ${DIGEST_KEY_SECRET} --namespace ${namespace} --from-file=key=FILE, with a FILE of ${KEY_BYTES} random bytes`,
      );
    }
  }
}

/** The id of the cluster, for the tags of its stacks: the uid of the namespace `kube-system`, which lives as long as the cluster. */
export async function readClusterID(client: KubeClient, signal: AbortSignal): Promise<string> {
  const namespace = await client.get<KubeObject>(NAMESPACES, { name: 'kube-system' }, { signal });
  if (!namespace)
    throw new SetupError('the cluster has no namespace kube-system to take its id from; pass --cluster-id');
  return namespace.metadata.uid;
}

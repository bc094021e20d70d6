import { setTimeout as sleep } from 'node:timers/promises';
import { isKubeError, type KubeClient, type KubeObject, type ResourceType } from '../../src/kube/index.ts';

/** The API server ends a watch after this time, in s. */
const WATCH_SECONDS = 3600;
/** Before a watch that ended is begun again, in ms. */
const PAUSE_MS = 100;

export interface FollowOptions {
  /** Without one: those of all namespaces. */
  namespace?: string;
  /** What changes after this version is told. */
  resourceVersion: string;
  signal: AbortSignal;
}

/** Tells each change of a resource's objects, in their order, until the signal is aborted. */
export async function follow<T extends KubeObject>(
  client: KubeClient,
  type: ResourceType,
  { namespace, resourceVersion, signal }: FollowOptions,
  note: (object: T, gone: boolean) => void,
): Promise<void> {
  let version = resourceVersion;
  while (!signal.aborted) {
    const options = { namespace, resourceVersion: version, timeoutSeconds: WATCH_SECONDS, signal };
    try {
      for await (const event of client.watch<T>(type, options)) {
        version = event.type === 'BOOKMARK' ? event.resourceVersion : event.object.metadata.resourceVersion;
        if (event.type !== 'BOOKMARK') note(event.object, event.type === 'DELETED');
      }
    } catch (error) {
      // A busy API server may end it at any time; it goes on where it ended, unless that is too long ago.
      if (signal.aborted || !isKubeError(error) || isKubeError(error, 'Expired')) throw error;
    }
    await sleep(PAUSE_MS);
  }
}

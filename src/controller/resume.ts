import type { Logger } from 'pino';
import {
  type Clock,
  Controller,
  type KubeClient,
  type Result,
  refOf,
  SECRETS,
  WorkQueue,
} from '../kube/index.ts';
import { type Idle, watchAtRest } from './at-rest.ts';
import { cloudOf } from './credentials.ts';
import type { DataObject } from './data-object.ts';
import type { WatchedStacks } from './dependencies.ts';
import type { Digester } from './digest.ts';
import { BACKGROUND } from './priority.ts';
import type { Reconciler } from './reconciler.ts';
import { isSeen, referenceKey } from './references.ts';
import type { Session, Sessions } from './sessions.ts';
import type { WatchedObjects } from './written-objects.ts';

/** Settings of a {@link Resume}. */
export interface ResumeOptions {
  client: Pick<KubeClient, 'get'>;
  stacks: Pick<WatchedStacks, 'stack'>;
  objects: WatchedObjects;
  sessions: Sessions;
  reconciler: Pick<Reconciler, 'knows' | 'resume'>;
  digester: Digester;
  /** Where everything goes that needs a reconcile. */
  queue: Pick<WorkQueue, 'add' | 'addAfter'>;
  /** How many Secrets are worked on at once. */
  concurrency: number;
  clock: Clock;
  logger: Logger;
}

/** Keys of objects with the same credentials. */
interface Group {
  namespace: string;
  credentials: Idle['credentials'];
  keys: string[];
}

/**
 * Takes up work where a former process left it: an object that is at rest, by what the watch shows of it, isn't
 * reconciled. All that have the same credentials begin to be watched with one read of their Secret and one login.
 */
export class Resume {
  readonly #options: ResumeOptions;

  constructor(options: ResumeOptions) {
    this.#options = options;
  }

  /**
   * Sees to the objects that are there at the start; resolves once the signal is aborted.
   *
   * @param cut ends the work as well, and what is under way without any grace
   */
  async run(keys: Iterable<string>, signal: AbortSignal, cut?: AbortSignal): Promise<void> {
    const { queue, concurrency, clock, logger } = this.#options;
    const groups = new Map<string, Group>();
    for (const key of keys) {
      const rest = this.#idle(key);
      if (!rest) {
        queue.add(key, { priority: BACKGROUND });
        continue;
      }
      const { namespace = '' } = refOf(key);
      const { secretName, cloudName, regionName = '' } = rest.credentials;
      const name = [namespace, secretName, cloudName, regionName].join('/');
      const group = groups.get(name);
      if (group) group.keys.push(key);
      else groups.set(name, { namespace, credentials: rest.credentials, keys: [key] });
    }
    // By the name itself, which the queue asks of again when the work is done.
    const names = new WorkQueue({ clock, groupOf: (name) => name.slice(0, name.indexOf('/')) });
    for (const name of groups.keys()) names.add(name);
    const controller = new Controller({
      name: 'resume',
      queue: names,
      reconcile: async (name, context) => {
        const group = groups.get(name);
        groups.delete(name);
        return group ? this.#resume(name, group, context) : {};
      },
      concurrency,
      logger,
      clock,
    });
    await controller.run(signal, cut);
  }

  /** What an object is at rest with; `undefined` when it has to be reconciled. */
  #idle(key: string): Idle | undefined {
    const { namespace = '', name } = refOf(key);
    const stack = this.#options.stacks.stack(namespace, name);
    // What it wrote and doesn't ask for any more is still there to be deleted.
    if (!stack?.mine || !stack.idle || this.#options.objects.writtenFor(stack.metadata.uid).length > 0)
      return undefined;
    const secret = referenceKey('Secret', namespace, stack.idle.credentials.secretName);
    return isSeen(this.#options.objects, secret) ? stack.idle : undefined;
  }

  async #resume(
    name: string,
    { namespace, credentials, keys }: Group,
    { signal, logger }: { signal: AbortSignal; logger: Logger },
  ): Promise<Result> {
    const { client, sessions, queue } = this.#options;
    // Not an object's: one of them may be reconciled meanwhile, with other credentials.
    const user = `resume:${name}`;
    try {
      const secret = await client.get<DataObject>(
        SECRETS,
        { namespace, name: credentials.secretName },
        { signal },
      );
      const cloud = secret && cloudOf(secret, credentials);
      if (secret && cloud) {
        const session = await sessions.acquire(user, secret.metadata.uid, cloud, signal, { asWorker: false });
        const version = `${secret.metadata.uid}/${secret.metadata.resourceVersion}`;
        for (const key of keys) this.#watch(key, session, credentials, version);
      }
    } catch (error) {
      if (signal.aborted) throw error;
      // Each object says by itself what is wrong.
      logger.debug('credentials of objects at rest could not be used');
    } finally {
      sessions.release(user);
    }
    for (const key of keys)
      if (!this.#options.reconciler.knows(key)) queue.add(key, { priority: BACKGROUND });
    return {};
  }

  #watch(key: string, session: Session, credentials: Idle['credentials'], secretVersion: string): void {
    const { stacks, sessions, reconciler, digester, queue, clock, logger } = this.#options;
    const { namespace = '', name } = refOf(key);
    const stack = stacks.stack(namespace, name);
    const rest = this.#idle(key);
    // It may have changed since the start; then it is in the queue as well.
    if (!stack || !rest || reconciler.knows(key)) return;
    const { secretName, cloudName, regionName } = rest.credentials;
    const isOther =
      secretName !== credentials.secretName ||
      cloudName !== credentials.cloudName ||
      regionName !== credentials.regionName;
    if (isOther || !sessions.join(key, session)) return;
    const { uid } = stack.metadata;
    if (!watchAtRest(session, key, rest, { uid, digester, now: clock.now() })) {
      sessions.release(key);
      return;
    }
    const { requeueAfterMs, priority = 0 } = reconciler.resume(key, uid, rest, {
      secretName,
      version: secretVersion,
      credentials: session.credentials,
    });
    if (requeueAfterMs !== undefined) queue.addAfter(key, requeueAfterMs, { priority });
    logger.debug({ key, requeueAfterMs }, 'resumed');
  }
}

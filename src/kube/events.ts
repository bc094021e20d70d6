import { randomBytes } from 'node:crypto';
import type { Logger } from 'pino';
import type { KubeClient } from './client.ts';
import { type Clock, systemClock } from './clock.ts';
import { isKubeError } from './errors.ts';
import { microTime } from './micro-time.ts';
import { EVENTS, type KubeObject, type ObjectRef } from './objects.ts';
import { Recent } from './recent.ts';
import { TokenBucket } from './token-bucket.ts';

// As client-go has them: events.k8s.io series, spam filter and cache sizes.
const SERIES_MS = 6 * 60_000;
const BURST = 25;
const REFILL_MS = 5 * 60_000;
const MAX_REMEMBERED = 4096;
const MAX_QUEUED = 1000;
/** Of one namespace: whoever makes many events there must not use up the others' room. */
const MAX_QUEUED_EACH = 100;
/** The API server refuses a longer note. */
const MAX_NOTE_BYTES = 1024;
const MAX_NAME_LENGTH = 253;
const RETRY_DELAYS_MS = [1000, 2000, 4000, 8000];
const FLUSH_MS = 5000;

/** What happened to an object. */
export interface EventDetails {
  type: 'Normal' | 'Warning';
  /** Why, in CamelCase, such as `StackCreated`. */
  reason: string;
  /** What was done, in CamelCase, such as `CreateStack`. */
  action: string;
  /** For people; cut to 1024 bytes. */
  note: string;
}

export interface EventRecorderOptions {
  client: Pick<KubeClient, 'create' | 'mergePatch'>;
  /** Such as `heatstack.dev/operator`. */
  reportingController: string;
  /** The pod or host. */
  reportingInstance: string;
  logger: Logger;
  clock?: Clock;
}

interface EventObject extends KubeObject {
  eventTime: string;
  type: string;
  reason: string;
  action: string;
  note: string;
  regarding: Regarding;
  reportingController: string;
  reportingInstance: string;
  series?: { count: number; lastObservedTime: string };
}

/** What an Event says of its object. Not the object itself, which can be large: this is kept for minutes. */
interface Regarding {
  apiVersion: string;
  kind: string;
  name: string;
  namespace?: string | undefined;
  uid: string;
  resourceVersion: string;
}

/** Equal events in a row; one Event object, whose `series` counts them. */
interface Series {
  readonly regarding: Regarding;
  readonly details: EventDetails;
  readonly firstAt: number;
  lastAt: number;
  count: number;
  queued: boolean;
  /** The Event object, once created. */
  written?: ObjectRef;
}

/**
 * Writes Kubernetes Events (events.k8s.io/v1) in the background. Events are a courtesy: recording never throws and
 * never waits, and what can't be written is dropped. Equal ones within 6 minutes are counted in one Event object; of
 * one object's events 25 are written at once, then one in 5 minutes. Namespaces take turns.
 */
export class EventRecorder {
  readonly #options: EventRecorderOptions;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #series = new Recent<Series>(MAX_REMEMBERED, SERIES_MS);
  // One that was idle for so long is full again, as a new one.
  readonly #buckets = new Recent<TokenBucket>(MAX_REMEMBERED, BURST * REFILL_MS);
  /** By namespace, in the order of their turns; none is empty. */
  readonly #queue = new Map<string, Series[]>();
  #queued = 0;
  #dropped = 0;
  readonly #stop = new AbortController();
  #sending: Promise<void> | undefined;

  constructor(options: EventRecorderOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#logger = options.logger;
  }

  /** How many were not written: too many at once, or refused by the API server. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Records that something happened to an object. */
  event(regarding: KubeObject, details: EventDetails): void {
    if (this.#stop.signal.aborted) return;
    const now = this.#clock.now();
    const series = this.#seriesFor(regarding, { ...details, note: cut(details.note, MAX_NOTE_BYTES) }, now);
    // When it is in the queue, the count will be written along.
    if (series.queued) return;
    if (!this.#hasRoom(series) || !this.#bucketOf(regarding, now).take(now)) {
      this.#dropped++;
      this.#logger.debug(
        { reason: details.reason, name: regarding.metadata.name },
        'too many events; one dropped',
      );
      return;
    }
    this.#enqueue(series);
    this.#sending ??= this.#send().finally(() => {
      this.#sending = undefined;
    });
  }

  /** Waits until everything is written, for 5 s at most; then the rest is dropped and nothing more is recorded. */
  async flush(): Promise<void> {
    const timer = setTimeout(() => this.drop(), FLUSH_MS);
    try {
      await this.#sending;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Writes nothing more, and records nothing more. */
  drop(): void {
    this.#stop.abort(new Error('no time left to write events'));
  }

  #hasRoom({ regarding: { namespace = '' } }: Series): boolean {
    return this.#queued < MAX_QUEUED && (this.#queue.get(namespace)?.length ?? 0) < MAX_QUEUED_EACH;
  }

  #enqueue(series: Series): void {
    const { namespace = '' } = series.regarding;
    series.queued = true;
    this.#queued++;
    const turn = this.#queue.get(namespace);
    if (turn) turn.push(series);
    else this.#queue.set(namespace, [series]);
  }

  /** Takes the first of the namespace whose turn it is. */
  #next(): Series | undefined {
    const [namespace, turn] = this.#queue.entries().next().value ?? [];
    const series = turn?.shift();
    if (namespace === undefined || turn === undefined || series === undefined) return undefined;
    this.#queue.delete(namespace);
    if (turn.length > 0) this.#queue.set(namespace, turn);
    this.#queued--;
    series.queued = false;
    return series;
  }

  #seriesFor(regarding: KubeObject, details: EventDetails, now: number): Series {
    const { type, reason, action, note } = details;
    const key = JSON.stringify([regarding.metadata.uid, type, reason, action, note]);
    const series: Series = this.#series.get(key, now) ?? {
      regarding: referenceTo(regarding),
      details: { type, reason, action, note },
      firstAt: now,
      lastAt: now,
      count: 0,
      queued: false,
    };
    series.count++;
    series.lastAt = now;
    this.#series.set(key, series, now);
    return series;
  }

  #bucketOf(regarding: KubeObject, now: number): TokenBucket {
    const { uid } = regarding.metadata;
    const bucket = this.#buckets.get(uid, now) ?? new TokenBucket(BURST, REFILL_MS, now);
    this.#buckets.set(uid, bucket, now);
    return bucket;
  }

  async #send(): Promise<void> {
    for (let series = this.#next(); series !== undefined; series = this.#next()) {
      if (this.#stop.signal.aborted) continue;
      try {
        await this.#write(series);
      } catch (error) {
        this.#dropped++;
        const { reason } = series.details;
        const { name } = series.regarding;
        // Usual while a namespace is being deleted; nothing depends on an event.
        this.#logger.warn(
          { reason, name, error: error instanceof Error ? error.message : String(error) },
          'event lost',
        );
      }
    }
  }

  /** Writes a series, trying again while the API server is away. */
  async #write(series: Series): Promise<void> {
    const { signal } = this.#stop;
    for (const delayMs of [...RETRY_DELAYS_MS, undefined]) {
      try {
        await this.#writeOnce(series, signal);
        return;
      } catch (error) {
        const mayPass = isKubeError(error, 'ConnectionFailed', 'Timeout', 'TooManyRequests', 'ServerError');
        if (!mayPass || delayMs === undefined) throw error;
        await this.#clock.sleep(delayMs, signal);
      }
    }
  }

  async #writeOnce(series: Series, signal: AbortSignal): Promise<void> {
    const { client } = this.#options;
    const options = { metadataOnly: true, signal };
    if (series.written !== undefined) {
      try {
        await client.mergePatch(EVENTS, series.written, { series: seriesField(series) }, options);
        return;
      } catch (error) {
        // The API server keeps events for an hour only.
        if (!isKubeError(error, 'NotFound')) throw error;
      }
    }
    const event = this.#eventObject(series);
    await client.create<EventObject>(EVENTS, event, options);
    series.written = { namespace: event.metadata.namespace, name: event.metadata.name };
  }

  #eventObject(series: Series) {
    const { reportingController, reportingInstance } = this.#options;
    const { regarding, details } = series;
    const { name, namespace } = regarding;
    const suffix = `.${randomBytes(8).toString('hex')}`;
    // No `-` or `.` may come before the suffix where the name is cut.
    const stem = name.slice(0, MAX_NAME_LENGTH - suffix.length).replace(/[^a-z0-9]+$/, '');
    return {
      // Events of cluster-scoped objects live in "default", where kubectl looks for them.
      metadata: { name: `${stem}${suffix}`, namespace: namespace ?? 'default' },
      eventTime: microTime(series.firstAt),
      ...details,
      regarding,
      reportingController,
      reportingInstance,
      ...(series.count > 1 ? { series: seriesField(series) } : {}),
    };
  }
}

function referenceTo({ apiVersion, kind, metadata }: KubeObject): Regarding {
  const { name, namespace, uid, resourceVersion } = metadata;
  return { apiVersion, kind, name, namespace, uid, resourceVersion };
}

function seriesField({ count, lastAt }: Series): { count: number; lastObservedTime: string } {
  return { count, lastObservedTime: microTime(lastAt) };
}

/** Cuts a text to a number of UTF-8 bytes, between characters, and shows that it was cut. */
function cut(text: string, maxBytes: number): string {
  const bytes = Buffer.from(text, 'utf8');
  if (bytes.length <= maxBytes) return text;
  const ellipsis = '…';
  let end = maxBytes - Buffer.byteLength(ellipsis);
  // 0b10xxxxxx continues a character.
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end--;
  return bytes.toString('utf8', 0, end) + ellipsis;
}

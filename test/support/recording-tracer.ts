import { AsyncLocalStorage } from 'node:async_hooks';
import { randomBytes } from 'node:crypto';
import {
  type Attributes,
  type Context,
  type ContextManager,
  context,
  ROOT_CONTEXT,
  type Span,
  type SpanOptions,
  type SpanStatus,
  SpanStatusCode,
  type Tracer,
  type TracerProvider,
  trace,
} from '@opentelemetry/api';

/** A span that has ended. */
export interface RecordedSpan {
  name: string;
  traceId: string;
  id: string;
  parentId: string | undefined;
  kind: number | undefined;
  attributes: Attributes;
  failed: boolean;
  /** Milliseconds since 1970. */
  start: number;
  end: number;
}

const hex = (bytes: number): string => randomBytes(bytes).toString('hex');
const millis = (time: unknown): number => (typeof time === 'number' ? time : Date.now());

/** What an SDK is to the API: as little as it takes to see which spans there are. */
export class RecordingTracerProvider implements TracerProvider, Tracer {
  readonly #onEnd: (span: RecordedSpan) => void;

  constructor(onEnd: (span: RecordedSpan) => void) {
    this.#onEnd = onEnd;
  }

  getTracer(): Tracer {
    return this;
  }

  startSpan(name: string, options: SpanOptions = {}, parent: Context = context.active()): Span {
    const above = options.root ? undefined : trace.getSpanContext(parent);
    const recorded: RecordedSpan = {
      name,
      traceId: above?.traceId ?? hex(16),
      id: hex(8),
      parentId: above?.spanId,
      kind: options.kind,
      attributes: { ...options.attributes },
      failed: false,
      start: millis(options.startTime),
      end: 0,
    };
    const { traceId, id: spanId } = recorded;
    const span: Span = {
      spanContext: () => ({ traceId, spanId, traceFlags: 1 }),
      setAttribute: (key, value) => span.setAttributes({ [key]: value }),
      setAttributes: (attributes) => {
        Object.assign(recorded.attributes, attributes);
        return span;
      },
      setStatus: ({ code }: SpanStatus) => {
        recorded.failed = code === SpanStatusCode.ERROR;
        return span;
      },
      addEvent: () => span,
      addLink: () => span,
      addLinks: () => span,
      updateName: () => span,
      recordException: () => undefined,
      isRecording: () => true,
      end: (time) => {
        recorded.end = millis(time);
        this.#onEnd(recorded);
      },
    };
    return span;
  }

  startActiveSpan<F extends (span: Span) => unknown>(
    name: string,
    ...rest: [...unknown[], F]
  ): ReturnType<F> {
    const work = rest.at(-1) as F;
    const options = rest.length > 1 ? (rest[0] as SpanOptions) : {};
    const span = this.startSpan(name, options);
    return context.with(trace.setSpan(context.active(), span), () => work(span) as ReturnType<F>);
  }
}

/** Carries the active span through everything that is awaited. */
export class AsyncContextManager implements ContextManager {
  readonly #storage = new AsyncLocalStorage<Context>();

  active(): Context {
    return this.#storage.getStore() ?? ROOT_CONTEXT;
  }

  with<A extends unknown[], F extends (...args: A) => ReturnType<F>>(
    active: Context,
    work: F,
    self?: ThisParameterType<F>,
    ...args: A
  ): ReturnType<F> {
    return this.#storage.run(active, () => work.apply(self, args));
  }

  bind<T>(_active: Context, target: T): T {
    return target;
  }

  enable(): this {
    return this;
  }

  disable(): this {
    return this;
  }
}

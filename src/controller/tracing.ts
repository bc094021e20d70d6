import {
  type Attributes,
  type Context,
  context,
  ProxyTracerProvider,
  SpanKind,
  SpanStatusCode,
  type Tracer,
  trace,
} from '@opentelemetry/api';
import { type KubeRequestInfo, type ReconcileOutcome, type ReconcileRun, routeOf } from '../kube/index.ts';
import type { RequestInfo } from '../openstack/index.ts';
import { VERSION } from '../version.ts';

const SERVICES = { identity: 'keystone', orchestration: 'heat' } as const;

/** An HTTP request that has ended, whoever answered it. */
interface Exchange {
  method: string;
  route: string;
  /** With the port, unless it is the usual one. */
  host: string;
  /** 0 or missing when there was no answer. */
  status?: number | undefined;
  ms: number;
}

/**
 * Traces of reconciles down to each HTTP request: the only file that knows OpenTelemetry. Of a request it tells method, route
 * and host, never names, queries, headers or bodies. docs/traces.md lists all spans and attributes.
 *
 * A request's span is made when the request has ended, with the times that it took: nothing is held for one that is
 * under way, and what sends it needn't know of spans.
 */
export class Tracing {
  readonly #tracer: Tracer;
  readonly #now: () => number;

  /** @param now milliseconds since 1970 */
  constructor(tracer: Tracer, now: () => number = Date.now) {
    this.#tracer = tracer;
    this.#now = now;
  }

  /**
   * For the provider of traces that was registered before the program began, as by `node --import`; `undefined` without one:
   * then nothing asks for a span, and nothing is paid for.
   */
  static find(): Tracing | undefined {
    const provider = trace.getTracerProvider();
    const none = new ProxyTracerProvider().getDelegate();
    // The API gives a provider in any case: its own, which has nobody behind it.
    if (provider instanceof ProxyTracerProvider && provider.getDelegate() === none) return undefined;
    return new Tracing(provider.getTracer('heatstack-operator', VERSION));
  }

  /** Carries out a run of a controller in a span of its own. @param uid of the object, if it is known */
  reconcile(
    { controller, key, reconcileID }: ReconcileRun,
    uid: string | undefined,
    work: () => Promise<ReconcileOutcome>,
  ): Promise<ReconcileOutcome> {
    const slash = key.indexOf('/');
    const attributes = {
      'k8s.namespace.name': key.slice(0, slash),
      'heatstack.controller': controller,
      'heatstack.object.name': key.slice(slash + 1),
      'heatstack.object.uid': uid,
      'heatstack.reconcile.id': reconcileID,
    };
    return this.#tracer.startActiveSpan(
      `reconcile ${controller}`,
      { attributes, root: true },
      async (span) => {
        try {
          const outcome = await work();
          span.setAttribute('heatstack.reconcile.result', outcome);
          // Without the message, which is for the log.
          if (outcome === 'error' || outcome === 'terminal') span.setStatus({ code: SpanStatusCode.ERROR });
          return outcome;
        } finally {
          span.end();
        }
      },
    );
  }

  /** Notes a request to the API server; to be called in the context of whoever made it. A watch is none. */
  kubeRequest({ method, path, host, status, ms }: KubeRequestInfo): void {
    if (ms === undefined) return;
    const service = { 'peer.service': 'kubernetes' };
    this.#request({ method, route: routeOf(path), host, status, ms }, service, context.active());
  }

  /** Begins to follow a call to Keystone or Heat; to be called in the context of whoever makes it. */
  cloudCall(): (request: RequestInfo) => void {
    const caller = context.active();
    return ({ service, waitedMs, requestId, ...exchange }) => {
      const attributes = {
        'peer.service': SERVICES[service],
        'heatstack.waited_ms': waitedMs,
        'openstack.request_id': requestId,
      };
      this.#request(exchange, attributes, caller);
    };
  }

  /** As OpenTelemetry's conventions for clients of HTTP have it. */
  #request({ method, route, host, status = 0, ms }: Exchange, more: Attributes, caller: Context): void {
    const { hostname, port } = new URL(`http://${host}`);
    const isFailure = status === 0 || status >= 400;
    const attributes: Attributes = {
      'http.request.method': method,
      'url.template': route,
      'server.address': hostname,
      ...(port !== '' && { 'server.port': Number(port) }),
      ...(status !== 0 && { 'http.response.status_code': status }),
      ...(isFailure && { 'error.type': status === 0 ? 'no_answer' : String(status) }),
      ...more,
    };
    const endTime = this.#now();
    const options = { kind: SpanKind.CLIENT, startTime: endTime - ms, attributes };
    const span = this.#tracer.startSpan(`${method} ${route}`, options, caller);
    if (isFailure) span.setStatus({ code: SpanStatusCode.ERROR });
    span.end(endTime);
  }
}

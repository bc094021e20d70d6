/** What the mock does wrong on purpose. */
export interface Fault {
  service?: 'identity' | 'orchestration';
  method?: string;
  /** The route as in Heat's API: `/stacks/{name}/{id}`, or an expression that fits it. Of Keystone: its path. */
  route?: string | RegExp;
  /** Default 503, unless something else goes wrong. */
  status?: number;
  /** Sent as JSON; text as it is. Default: what a proxy says. */
  body?: unknown;
  headers?: Record<string, string>;
  /** How many requests. Default 1. */
  times?: number;
  /** Cuts the connection instead of an answer: before the request is carried out, or after. */
  drop?: 'before' | 'after';
  /** Waits before the request is carried out, in milliseconds. Alone, the request then goes on as usual. */
  delayMs?: number;
}

/** The faults that are still to come. */
export class Faults {
  readonly #faults: { fault: Fault; left: number }[] = [];

  add(fault: Fault): void {
    this.#faults.push({ fault, left: fault.times ?? 1 });
  }

  clear(): void {
    this.#faults.length = 0;
  }

  /** The first fault that fits a request. It is used up by that. */
  take(service: string, method: string, route: string): Fault | undefined {
    const found = this.#faults.find(
      ({ fault, left }) =>
        left > 0 &&
        (fault.service ?? service) === service &&
        (fault.method ?? method) === method &&
        (fault.route instanceof RegExp ? fault.route.test(route) : (fault.route ?? route) === route),
    );
    if (found) found.left -= 1;
    return found?.fault;
  }
}

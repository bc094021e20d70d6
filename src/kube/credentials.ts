import { createHash } from 'node:crypto';
import type { RequestOptions } from 'node:https';
import { isDeepStrictEqual } from 'node:util';
import type { KubeConfig } from '@kubernetes/client-node';
import type { Logger } from 'pino';
import { type Clock, systemClock } from './clock.ts';
import { KubeError } from './errors.ts';

/** What a TLS connection to the API server needs; PEM, as `node:tls` takes it. */
export interface TlsOptions {
  ca?: string;
  cert?: string;
  key?: string;
  passphrase?: string;
  servername?: string;
  rejectUnauthorized?: boolean;
}

/** Who we are, for one request. */
export interface Credential {
  readonly headers: Readonly<Record<string, string>>;
  readonly tls: Readonly<TlsOptions>;
  /** Equal for equal TLS options: connections made with one credential fit another with the same. */
  readonly tlsId: string;
}

// Files are re-read and exec plugins asked at most this often; a rotated token is in use after this time.
const LIFETIME_MS = 30_000;

/**
 * The current credential of a KubeConfig: CA, client certificate, token of a file, of an exec plugin or auth
 * provider. Put together anew every 30 s; when that fails, the last one stays in use until the API server refuses it.
 */
export class Credentials {
  readonly #config: KubeConfig;
  readonly #logger: Logger | undefined;
  readonly #clock: Clock;
  #current: Credential | undefined;
  #readAt = 0;
  #reading: Promise<Credential> | undefined;

  constructor(config: KubeConfig, logger?: Logger, clock: Clock = systemClock) {
    this.#config = config;
    this.#logger = logger;
    this.#clock = clock;
  }

  /** @throws KubeError `ConfigError` when there never was a usable credential. */
  async get(): Promise<Credential> {
    if (this.#current !== undefined && this.#clock.now() - this.#readAt < LIFETIME_MS) return this.#current;
    // One at a time: an exec plugin is a process, and may ask a person to log in.
    this.#reading ??= this.#read().finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  /**
   * To be called when the API server refused a credential, or its certificate was not trusted: reads everything anew,
   * unless that has been done since.
   *
   * @returns whether there is another credential now
   */
  async renew(refused: Credential): Promise<boolean> {
    if (this.#current !== undefined && isSame(this.#current, refused))
      this.#readAt = Number.NEGATIVE_INFINITY;
    return !isSame(await this.get(), refused);
  }

  async #read(): Promise<Credential> {
    try {
      this.#current = await readCredential(this.#config);
    } catch (cause) {
      const message = `cannot get the credentials for the API server: ${firstLine(cause)}`;
      if (this.#current === undefined) throw new KubeError('ConfigError', message, { cause });
      this.#logger?.warn(`${message}; the last ones stay in use`);
    }
    this.#readAt = this.#clock.now();
    return this.#current;
  }
}

async function readCredential(config: KubeConfig): Promise<Credential> {
  const options: RequestOptions = {};
  await config.applyToHTTPSOptions(options);
  const tls: TlsOptions = {};
  for (const name of ['ca', 'cert', 'key', 'passphrase', 'servername'] as const) {
    const value: unknown = options[name];
    if (value !== undefined && value !== null) tls[name] = String(value);
  }
  if (options.rejectUnauthorized !== undefined) tls.rejectUnauthorized = options.rejectUnauthorized;
  const headers: Record<string, string> = {};
  if (typeof options.auth === 'string') {
    headers['authorization'] = `Basic ${Buffer.from(options.auth).toString('base64')}`;
  }
  for (const [name, value] of Object.entries(options.headers ?? {})) {
    // Trimmed: a token read from a file often ends in a line break, which no header may hold.
    headers[name.toLowerCase()] = String(value).trim();
  }
  const tlsId = createHash('sha256').update(JSON.stringify(tls)).digest('hex');
  return { headers, tls, tlsId };
}

function isSame(one: Credential, other: Credential): boolean {
  return one.tlsId === other.tlsId && isDeepStrictEqual(one.headers, other.headers);
}

function firstLine(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.split('\n', 1)[0]?.slice(0, 200) ?? '';
}

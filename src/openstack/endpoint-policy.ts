import { type LookupAddress, lookup } from 'node:dns';
import { BlockList, isIP } from 'node:net';
import { networkInterfaces } from 'node:os';
import { domainToASCII } from 'node:url';
import { createError, isOpenStackError, type OpenStackError } from './errors.ts';

/** Where clouds may be. Whoever writes a clouds.yaml, or runs a Keystone, names addresses for this process to connect to. */
export interface EndpointRules {
  /**
   * Host names (`keystone.example.com`, `*.example.com`, `*`), addresses and networks (`192.0.2.0/24`); none means all.
   * Only an address or network lifts the refusal of loopback, link-local and the like: what a name leads to is decided
   * by whoever owns it.
   */
  allowed?: readonly string[];
  /** Addresses and networks that are refused whatever is allowed. */
  refused?: readonly string[];
  /** URLs of this process's own servers: their ports are always refused, their addresses unless allowed. */
  own?: readonly string[];
}

type Verdict = 'permitted' | 'refused' | 'unlisted';

/** Finds all addresses of a host name, as `dns.lookup` with `all`. */
export type Resolve = (hostname: string) => Promise<LookupAddress[]>;

/**
 * Addresses that reach this machine, its own network or a cloud provider's metadata, and no cloud's API.
 * IANA's special-purpose registries, and the metadata services outside of link-local.
 */
const SPECIAL = [
  '0.0.0.0/8',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '224.0.0.0/4',
  '240.0.0.0/4',
  '100.100.100.200', // metadata: Alibaba Cloud
  '168.63.129.16', // metadata: Azure
  '192.0.0.0/24', // protocol assignments, and metadata of Oracle Cloud
  '192.80.8.124', // metadata: Equinix Metal
  '::/96', // unspecified, loopback, and IPv4-compatible addresses
  'fe80::/10',
  'fec0::/10',
  '::ffff:0:0:0/96', // IPv4-translated addresses
  'ff00::/8',
  '2001::/32', // Teredo, and 6to4 below: tunnels to any IPv4 address
  '2002::/16',
  '64:ff9b:1::/48', // NAT64 with a prefix of one's own
  'fd00:ec2::/32', // metadata: AWS
  'fd00:c1::a9fe:a9fe', // metadata: Oracle Cloud
  'fd00:42::42', // metadata: Scaleway
  'fd20:ce::254', // metadata: Google Cloud
];
/** IPv4 behind a NAT64: the last 32 bits are the address (RFC 6052). */
const NAT64 = '64:ff9b::/96';
const SPECIAL_NETWORKS = networks(SPECIAL, 'special');
const NAT64_NETWORK = networks([NAT64], 'special');
/** How long the addresses of our own servers are believed, in milliseconds. */
const OWN_TTL_MS = 60_000;
/** After this time a look-up counts as one that hangs, in milliseconds. */
const HANGS_MS = 1_000;
/** With so many, names that hung before aren't looked up. */
const MAX_HANGING = 8;
/** Names that hung, of which no more are remembered. */
const MAX_SLOW = 10_000;

/** Decides which addresses may be connected to. It is asked at every new connection, with what the name leads to then. */
export class EndpointPolicy {
  readonly #names: string[] = [];
  readonly #allowed: BlockList;
  readonly #refused: BlockList;
  readonly #listed: boolean;
  readonly #allowsAddresses: boolean;
  readonly #own: { hostname: string; port: number }[];
  readonly #resolve: Resolve;
  readonly #asked = new Map<string, Promise<LookupAddress[]>>();
  /** Look-ups that take long, and names whose last one did. */
  #hanging = 0;
  readonly #slow = new Set<string>();
  #ownAddresses: { until: number; found: Promise<Map<string, Set<number>>> } | undefined;

  /**
   * @param resolve replaces DNS, for tests
   * @throws OpenStackError ConfigError when a rule can't be read.
   */
  constructor({ allowed = [], refused = [], own = [] }: EndpointRules, resolve: Resolve = lookupAll) {
    this.#names = allowed.filter((rule) => !isNetwork(rule)).map(nameRule);
    const addresses = allowed.filter(isNetwork);
    this.#allowed = networks(addresses, 'allowed');
    this.#allowsAddresses = addresses.length > 0;
    this.#refused = networks(refused, 'refused');
    this.#listed = allowed.length > 0;
    this.#own = own.map((url) => hostAndPort(new URL(url)));
    this.#resolve = resolve;
  }

  /**
   * The addresses of a host that may be connected to.
   *
   * @param hostname a name or an address, without brackets
   * @throws OpenStackError EndpointRefused when there is none; what DNS says when the name isn't known.
   */
  async addressesOf(hostname: string, port: number): Promise<LookupAddress[]> {
    const found = await this.#judgeAll(hostname, port);
    const permitted = found.filter(({ verdict }) => verdict === 'permitted');
    if (permitted.length === 0)
      throw refusal(
        hostname,
        port,
        found.every(({ verdict }) => verdict === 'unlisted'),
      );
    return permitted.map(({ at }) => at);
  }

  /**
   * Whether a proxy may be asked to connect to a host. What a name leads to is decided by the proxy then, so all that it
   * leads to here must be permitted; and where it leads nowhere here, the name itself must be among those allowed.
   *
   * @throws OpenStackError EndpointRefused; what DNS says when it doesn't answer.
   */
  async permitProxied(hostname: string, port: number): Promise<void> {
    const name = normalise(hostname);
    try {
      const found = await this.#judgeAll(hostname, port);
      const others = found.filter(({ verdict }) => verdict !== 'permitted');
      if (others.length > 0)
        throw refusal(
          hostname,
          port,
          others.every(({ verdict }) => verdict === 'unlisted'),
        );
    } catch (error) {
      if (isOpenStackError(error)) throw error;
      if (this.#matchesName(name)) return;
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOTFOUND')) throw error;
      throw createError(
        'EndpointRefused',
        `${hostname} isn't known here, and only the proxy could tell where it leads; have the name allowed.`,
        { notSent: true, cause: error },
      );
    }
  }

  /** What a host leads to, and whether it may be connected to there. */
  async #judgeAll(hostname: string, port: number): Promise<{ at: LookupAddress; verdict: Verdict }[]> {
    const name = normalise(hostname);
    // Without asking DNS, which tells its owner of the question.
    if (!this.#allowsAddresses && this.#listed && !this.#matchesName(name))
      throw refusal(hostname, port, true);
    const family = isIP(name);
    const found = family === 0 ? await this.#lookUp(name) : [{ address: name, family }];
    const own = await this.#ownAddressesNow();
    return found.map((at) => ({ at, verdict: this.#judge(name, canonical(at.address), port, own) }));
  }

  #judge(name: string, address: string, port: number, own: Map<string, Set<number>>): Verdict {
    const forms = formsOf(address);
    const isAllowed = (form: Form): boolean => this.#allowed.check(...form);
    if (forms.some((form) => this.#refused.check(...form))) return 'refused';
    const ownPorts = forms.map(([text]) => own.get(text)).find((ports) => ports !== undefined);
    if (ownPorts?.has(port)) return 'refused';
    // Each form by itself: allowing a NAT64 doesn't allow all that is behind it.
    if (forms.some((form) => SPECIAL_NETWORKS.check(...form) && !isAllowed(form))) return 'refused';
    if (forms.some(isAllowed)) return 'permitted';
    if (ownPorts) return 'refused';
    return !this.#listed || this.#matchesName(name) ? 'permitted' : 'unlisted';
  }

  #matchesName(name: string): boolean {
    return this.#names.some((rule) => (rule.startsWith('*') ? name.endsWith(rule.slice(1)) : name === rule));
  }

  /**
   * A look-up takes a thread until it ends, and can't be ended: a name that hangs must not take another for each try,
   * and once many names hang, those that did before wait for the threads of others.
   */
  #lookUp(name: string): Promise<LookupAddress[]> {
    let asked = this.#asked.get(name);
    if (!asked) {
      if (this.#hanging >= MAX_HANGING && this.#slow.has(name)) return Promise.reject(noAnswer());
      let hangs = false;
      const timer = setTimeout(() => {
        hangs = true;
        this.#hanging += 1;
      }, HANGS_MS).unref();
      asked = this.#resolve(name).finally(() => {
        clearTimeout(timer);
        this.#asked.delete(name);
        this.#slow.delete(name);
        if (!hangs) return;
        this.#hanging -= 1;
        this.#slow.add(name);
        const [oldest] = this.#slow;
        if (oldest !== undefined && this.#slow.size > MAX_SLOW) this.#slow.delete(oldest);
      });
      this.#asked.set(name, asked);
    }
    return asked;
  }

  /** The addresses of this machine and of this process's own servers, with the servers' ports. */
  #ownAddressesNow(): Promise<Map<string, Set<number>>> {
    const now = Date.now();
    if (!this.#ownAddresses || this.#ownAddresses.until <= now) {
      this.#ownAddresses = { until: now + OWN_TTL_MS, found: this.#findOwn() };
      // A name that isn't known right now must be asked for again.
      this.#ownAddresses.found.catch(() => {
        this.#ownAddresses = undefined;
      });
    }
    return this.#ownAddresses.found;
  }

  async #lookUpOwn(hostname: string): Promise<LookupAddress[]> {
    try {
      return await this.#lookUp(hostname);
    } catch (cause) {
      throw createError(
        'ConnectionFailed',
        `No cloud is connected to while the address of ${hostname}, which no cloud may be at, can't be looked up; check the DNS.`,
        { notSent: true, cause },
      );
    }
  }

  async #findOwn(): Promise<Map<string, Set<number>>> {
    const found = new Map<string, Set<number>>();
    // This machine's, or pod's, other addresses lead to the same as loopback.
    for (const { address } of Object.values(networkInterfaces()).flatMap((each) => each ?? [])) {
      found.set(canonical(address), new Set());
    }
    for (const { hostname, port } of this.#own) {
      const addresses = isIP(hostname) ? [{ address: hostname }] : await this.#lookUpOwn(hostname);
      for (const { address } of addresses) {
        const key = canonical(address);
        found.set(key, new Set([...(found.get(key) ?? []), port]));
      }
    }
    return found;
  }
}

/** As the resolver itself says it. */
function noAnswer(): Error {
  return Object.assign(new Error('the name is not looked up again just now'), { code: 'EAI_AGAIN' });
}

function refusal(hostname: string, port: number, unlisted: boolean): OpenStackError {
  const where = `${isIP(hostname) === 6 ? `[${hostname}]` : hostname}:${port}`;
  return createError(
    'EndpointRefused',
    unlisted
      ? `${where} isn't among the allowed endpoints; use a cloud that is, or have it allowed.`
      : `${where} is refused: it leads to a loopback, link-local, metadata or cluster address; use the cloud's public address, or have this one allowed.`,
    { notSent: true },
  );
}

function lookupAll(hostname: string): Promise<LookupAddress[]> {
  return new Promise((resolve, reject) => {
    lookup(hostname, { all: true }, (error, addresses) => (error ? reject(error) : resolve(addresses)));
  });
}

/** Small letters, no dot at the end, no zone of an address: forms of one name compare equal. */
function normalise(hostname: string): string {
  const name = hostname.toLowerCase();
  return isIP(name) ? (name.split('%')[0] ?? name) : name.replace(/\.$/, '');
}

/** One text for each address: short form of IPv6, dotted form of an IPv4 address that is mapped into it. */
function canonical(address: string): string {
  const bare = address.split('%')[0] ?? address;
  if (isIP(bare) !== 6) return bare;
  const text = new URL(`http://[${bare}]`).hostname.slice(1, -1);
  return /^::ffff:[0-9a-f]+:[0-9a-f]+$/.test(text) ? embedded(text) : text;
}

/** An address as BlockList takes it. */
type Form = [address: string, family: 'ipv4' | 'ipv6'];

/** An address, and the IPv4 address that a NAT64 makes of it. */
function formsOf(address: string): Form[] {
  if (isIP(address) === 4) return [[address, 'ipv4']];
  const form: Form = [address, 'ipv6'];
  return NAT64_NETWORK.check(...form) ? [form, [embedded(address), 'ipv4']] : [form];
}

/** The IPv4 address in the last 32 bits of an IPv6 address. */
function embedded(address: string): string {
  // The canonical form has no dots: its last two groups, of which `::` may have swallowed some.
  const text = new URL(`http://[${address}]`).hostname.slice(1, -1);
  const [head = '', tail] = text.split('::');
  const groups = tail === undefined ? head.split(':') : ['0', '0', ...tail.split(':')];
  const [high = 0, low = 0] = groups.slice(-2).map((group) => Number.parseInt(group || '0', 16));
  return [high >> 8, high & 255, low >> 8, low & 255].join('.');
}

function hostAndPort(url: URL): { hostname: string; port: number } {
  const port = Number(url.port) || (url.protocol === 'https:' ? 443 : 80);
  return { hostname: normalise(url.hostname.replace(/^\[|\]$/g, '')), port };
}

function isNetwork(rule: string): boolean {
  return isIP(rule.split('/')[0] ?? '') !== 0;
}

function networks(rules: readonly string[], what: string): BlockList {
  const list = new BlockList();
  for (const rule of rules) {
    const [address = '', prefix, ...rest] = rule.split('/');
    const family = isIP(address);
    const bits = family === 6 ? 128 : 32;
    const length = prefix === undefined ? bits : /^[1-9]\d{0,2}$/.test(prefix) ? Number(prefix) : 0;
    if (prefix === '0') {
      throw createError(
        'ConfigError',
        `${what} endpoint "${rule}" would be every address, this machine's among them; write * to allow all clouds.`,
      );
    }
    if (family === 0 || address.includes('%') || rest.length > 0 || length < 1 || length > bits) {
      throw createError(
        'ConfigError',
        `${what} endpoint "${rule}" is no address or network, such as 192.0.2.7 or 192.0.2.0/24.`,
      );
    }
    list.addSubnet(address, length, family === 6 ? 'ipv6' : 'ipv4');
  }
  return list;
}

/** A rule for host names as names are compared: in small letters, IDNA, without a dot at the end. */
function nameRule(rule: string): string {
  if (rule === '*') return rule;
  const [, wild = '', given = ''] = /^(\*\.)?([^\s/:@?#*[\]%]+)$/.exec(rule) ?? [];
  const name = normalise(domainToASCII(given));
  // A form of an address that isIP doesn't know (010.0.0.1) would be a name that nothing is called by.
  if (name === '' || name.startsWith('.') || isIP(name) !== 0) {
    throw createError(
      'ConfigError',
      `allowed endpoint "${rule}" is no host name, address or network, such as keystone.example.com, *.example.com or 192.0.2.0/24.`,
    );
  }
  return `${wild}${name}`;
}

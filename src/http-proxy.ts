import { BlockList, isIP } from 'node:net';

/** Variables by which a program is told of proxies. */
export type ProxyEnvironment = Readonly<Record<string, string | undefined>>;

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4');
LOOPBACK.addAddress('::1', 'ipv6');

/**
 * The HTTP proxy that the environment names for a URL: `HTTPS_PROXY` or `HTTP_PROXY`, by the URL's scheme, unless
 * `NO_PROXY` excepts its host; the names in small letters win. As in Go's and Python's programs, `NO_PROXY` has hosts
 * (with all below them), addresses, networks (`10.0.0.0/8`), any of them with a port, or `*`, separated by commas.
 * Loopback is never proxied.
 *
 * @throws TypeError when the proxy's address is none of `http:` or `https:`; the message doesn't quote it, as it may
 * hold a password.
 */
export function proxyFor(url: URL, env: ProxyEnvironment): URL | undefined {
  const name = url.protocol === 'https:' ? 'https_proxy' : 'http_proxy';
  const given = variable(env, name);
  if (given === undefined || isExcepted(url, variable(env, 'no_proxy') ?? '')) return undefined;
  const text = given.includes('://') ? given : `http://${given}`;
  if (!URL.canParse(text) || !/^https?:/.test(text))
    throw new TypeError(
      `${name.toUpperCase()} is no URL of an HTTP proxy, such as http://proxy.example.com:3128`,
    );
  return new URL(text);
}

/** What a proxy wants to see of the user and password in its URL. */
export function proxyAuthorization({ username, password }: URL): Record<string, string> {
  if (username === '') return {};
  const credentials = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { 'proxy-authorization': `Basic ${Buffer.from(credentials).toString('base64')}` };
}

function variable(env: ProxyEnvironment, name: string): string | undefined {
  return env[name] || env[name.toUpperCase()] || undefined;
}

function isExcepted(url: URL, noProxy: string): boolean {
  const host = url.hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '');
  const port = url.port || (url.protocol === 'https:' ? '443' : '80');
  if (host === 'localhost' || host.endsWith('.localhost') || contains(LOOPBACK, host)) return true;
  return noProxy
    .split(/[\s,]+/)
    .filter((entry) => entry !== '')
    .some((entry) => matches(entry.toLowerCase(), host, port));
}

function matches(entry: string, host: string, port: string): boolean {
  // A port, unless the colons are those of an IPv6 address.
  const [, bracketed, plain, wanted] = /^(?:\[([^\]]+)\]|([^:]+)):(\d+)$/.exec(entry) ?? [];
  if (wanted !== undefined && wanted !== port) return false;
  const rule = (bracketed ?? plain ?? entry).replace(/^\[|\]$/g, '');
  if (rule === '*') return true;
  const [address = '', bits] = rule.split('/');
  const family = isIP(address);
  if (family === 0) {
    const name = rule.replace(/^\*?\./, '').replace(/\.$/, '');
    return host === name || host.endsWith(`.${name}`);
  }
  const network = new BlockList();
  const most = family === 6 ? 128 : 32;
  const length = bits === undefined ? most : /^\d{1,3}$/.test(bits) ? Number(bits) : most + 1;
  if (length > most) return false;
  network.addSubnet(address, length, family === 6 ? 'ipv6' : 'ipv4');
  return contains(network, host);
}

function contains(network: BlockList, host: string): boolean {
  const family = isIP(host);
  return family !== 0 && network.check(host, family === 6 ? 'ipv6' : 'ipv4');
}

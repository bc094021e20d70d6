import { describe, expect, test } from 'vitest';
import { type ProxyEnvironment, proxyAuthorization, proxyFor } from './http-proxy.ts';

const PROXY = 'http://proxy.example.com:3128';
const proxy = (url: string, env: ProxyEnvironment) => proxyFor(new URL(url), env)?.href;

describe('the proxy', () => {
  test('is that of the scheme; small letters win; empty is none', () => {
    const env = { HTTPS_PROXY: 'http://secure:1', HTTP_PROXY: 'http://plain:2' };
    expect(proxy('https://a.example', env)).toBe('http://secure:1/');
    expect(proxy('http://a.example', env)).toBe('http://plain:2/');
    expect(proxy('https://a.example', { ...env, https_proxy: 'http://small:3' })).toBe('http://small:3/');
    expect(proxy('https://a.example', { HTTP_PROXY: PROXY })).toBeUndefined();
    expect(proxy('https://a.example', { HTTPS_PROXY: '' })).toBeUndefined();
    expect(proxy('https://a.example', {})).toBeUndefined();
  });

  test('may be written without a scheme, and be asked by https', () => {
    expect(proxy('https://a.example', { HTTPS_PROXY: 'proxy.example.com:3128' })).toBe(`${PROXY}/`);
    expect(proxy('https://a.example', { HTTPS_PROXY: 'https://p.example' })).toBe('https://p.example/');
  });

  test.each(['socks5://s3cret@p.example', 'http://s3cret:p@:x'])('%s is none, and not quoted', (value) => {
    const ask = () => proxy('https://a.example', { HTTPS_PROXY: value });
    expect(ask).toThrow(/^HTTPS_PROXY is no URL/);
    expect(ask).not.toThrow(/s3cret/);
  });
});

describe('NO_PROXY', () => {
  test.each([
    ['https://a.example.com', 'a.example.com'],
    ['https://A.example.com.', 'a.EXAMPLE.com'],
    ['https://a.example.com', 'b.example, example.com'],
    ['https://a.example.com', '.example.com'],
    ['https://a.example.com', '*.example.com'],
    ['https://a.example.com:5000', 'example.com:5000'],
    ['https://a.example.com', 'example.com:443'],
    ['https://a.example.com', '*'],
    ['https://10.1.2.3:6443', '10.0.0.0/8'],
    ['https://10.1.2.3:6443', '10.1.2.3'],
    ['https://[fd00::7]', 'fd00::/8'],
    ['https://[fd00::7]:6443', '[fd00::7]:6443'],
    ['https://[fd00::7]', 'fd00::7'],
  ])('excepts %s by %s', (url, noProxy) => {
    expect(proxy(url, { HTTPS_PROXY: PROXY, NO_PROXY: noProxy })).toBeUndefined();
    expect(proxy(url, { HTTPS_PROXY: PROXY, no_proxy: noProxy, NO_PROXY: 'other' })).toBeUndefined();
  });

  test.each([
    ['https://notexample.com', 'example.com'],
    ['https://a.example.com:5000', 'example.com:443'],
    ['https://11.1.2.3', '10.0.0.0/8'],
    ['https://11.1.2.3', '11.0.0.0/99'],
    ['https://11.1.2.3', '11.0.0.0/x'],
    ['https://a.example.com', ',, '],
  ])('does not except %s by %s', (url, noProxy) => {
    expect(proxy(url, { HTTPS_PROXY: PROXY, NO_PROXY: noProxy })).toBe(`${PROXY}/`);
  });

  test.each(['https://localhost:1', 'https://x.localhost', 'https://127.0.0.9', 'https://[::1]:2'])(
    'need not except %s',
    (url) => {
      expect(proxy(url, { HTTPS_PROXY: PROXY })).toBeUndefined();
    },
  );
});

test('a user and password are shown to the proxy', () => {
  expect(proxyAuthorization(new URL(PROXY))).toEqual({});
  expect(proxyAuthorization(new URL('http://me:p%40ss@p.example'))).toEqual({
    'proxy-authorization': `Basic ${Buffer.from('me:p@ss').toString('base64')}`,
  });
});

import { generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseCloudsYaml } from './clouds.ts';

const CERT = readFileSync(new URL('./testdata/loopback-cert.pem', import.meta.url), 'utf8');
const KEY = readFileSync(new URL('./testdata/loopback-key.pem', import.meta.url), 'utf8');
const TEXT = JSON.stringify({
  clouds: {
    a: { auth: { auth_url: 'https://k/v3', user_id: 'u', password: 'p', project_id: 'x' } },
  },
});
const given = (key: string) => parseCloudsYaml(TEXT, { cloudName: 'a', cert: CERT, key });
const pem = (key: KeyObject) => key.export({ type: 'pkcs8', format: 'pem' }).toString();

/** One value of DER (X.690): a tag, a length, and what is in it. */
function der(tag: number, ...parts: Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  const hex = content.length.toString(16);
  const length = Buffer.from(hex.padStart(hex.length + (hex.length % 2), '0'), 'hex');
  const head = content.length < 0x80 ? length : Buffer.from([0x80 | length.length, ...length]);
  return Buffer.concat([Buffer.from([tag]), head, content]);
}

/** A key of a size that takes minutes to make: its factors are no primes, which nobody looks at. */
function hugeRsaKey(bits: number): string {
  const random = (size: number): Buffer => {
    const bytes = randomBytes(size / 8);
    bytes[0] = 0xc0;
    bytes[bytes.length - 1] = 0x01;
    return bytes;
  };
  // A first bit that is set would make it negative.
  const integer = (bytes: Buffer): Buffer => der(0x02, Buffer.alloc((bytes[0] ?? 0) >= 0x80 ? 1 : 0), bytes);
  const [p, q] = [random(bits / 2), random(bits / 2)];
  const product = BigInt(`0x${p.toString('hex')}`) * BigInt(`0x${q.toString('hex')}`);
  const modulus = Buffer.from(product.toString(16), 'hex');
  const small = () => integer(random(bits / 2 - 8));
  const key = der(
    0x30,
    ...[Buffer.from([0]), modulus, Buffer.from([1, 0, 1]), random(bits - 16), p, q].map(integer),
    ...[small(), small(), small()],
  );
  const text = key.toString('base64').replace(/.{64}/g, '$&\n');
  return `-----BEGIN RSA PRIVATE KEY-----\n${text}\n-----END RSA PRIVATE KEY-----\n`;
}

describe("the client's key", () => {
  it('is taken when it belongs to its certificate', () => {
    expect(given(KEY).key).toBe(KEY);
  });

  it('must belong to it', () => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    expect(() => given(pem(privateKey))).toThrow(/key: the given key does not belong to cert/);
  });

  it.each([
    ['an RSA key with which signing stops everything for seconds', () => hugeRsaKey(16_384)],
    ['a key of another kind', () => pem(generateKeyPairSync('x25519').privateKey)],
  ])('is refused: %s', (_what, key) => {
    expect(() => given(key())).toThrow(/key: the given key must be EC, Ed25519 or RSA of 8192 bits at most/);
  });
});

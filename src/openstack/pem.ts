import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import type { Section } from './section.ts';

/** Longest PEM text, in UTF-16 units: the certificate authorities of a system. */
export const MAX_PEM_LENGTH = 512 * 1024;

/** The largest RSA key of a client. */
const MAX_RSA_BITS = 8192;

/** PEM texts of a cloud, as they are given. */
export interface PemTexts {
  cacert?: string | undefined;
  cert?: string | undefined;
  key?: string | undefined;
}

/**
 * The PEM texts, checked: certificates that can be read, and a key that belongs to the client's certificate. A client's
 * key may stand in the same text as its certificate.
 *
 * @throws OpenStackError ConfigError, which quotes nothing.
 */
export function checkedPem(section: Section, { cacert, cert, key }: PemTexts): PemTexts {
  const pem: PemTexts = {};
  if (cacert) {
    certificates(section, 'cacert', 'the given CA', cacert);
    pem.cacert = cacert;
  }
  if (!cert) {
    if (key) throw section.error('key', 'is given without cert; give both, or none');
    return pem;
  }
  const [certificate] = certificates(section, 'cert', 'the given certificate', cert);
  const both = key || (/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(cert) ? cert : undefined);
  if (both === undefined) throw section.error('key', 'is missing; cert needs its private key');
  checkLength(section, 'key', 'the given key', both);
  let privateKey: KeyObject;
  try {
    privateKey = createPrivateKey(both);
  } catch {
    throw section.error('key', 'the given key is not a PEM private key without a passphrase');
  }
  if (!isQuick(privateKey)) {
    throw section.error('key', `the given key must be EC, Ed25519 or RSA of ${MAX_RSA_BITS} bits at most`);
  }
  if (!certificate?.checkPrivateKey(privateKey))
    throw section.error('key', 'the given key does not belong to cert; give the one that does');
  return { ...pem, cert, key: both };
}

/** Whether signing with a key takes no noticeable time: it is done where all else waits (RSA of 16,384 bits: 2.6 s). */
function isQuick({ asymmetricKeyType: type, asymmetricKeyDetails: details }: KeyObject): boolean {
  if (type === 'rsa' || type === 'rsa-pss') return (details?.modulusLength ?? Infinity) <= MAX_RSA_BITS;
  return type === 'ec' || type === 'ed25519' || type === 'ed448';
}

function certificates(section: Section, key: string, what: string, pem: string): X509Certificate[] {
  checkLength(section, key, what, pem);
  const found = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  try {
    if (found.length === 0) throw new Error('no certificate');
    return found.map((certificate) => new X509Certificate(certificate));
  } catch {
    throw section.error(
      key,
      `${what} is not a PEM certificate; it must begin with -----BEGIN CERTIFICATE-----`,
    );
  }
}

function checkLength(section: Section, key: string, what: string, pem: string): void {
  if (pem.length > MAX_PEM_LENGTH) {
    throw section.error(key, `${what} is larger than ${MAX_PEM_LENGTH / 1024} KiB; give the cloud's own`);
  }
}

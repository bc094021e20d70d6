import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

/** A certificate and its key, PEM. */
export interface KeyPair {
  cert: string;
  key: string;
}

const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];

/** A certificate authority made by openssl, whose files are in a folder of its own. */
export class CertificateAuthority {
  readonly #directory: string;
  readonly cert: string;

  /** @param directory where the folder is made, by the authority's name */
  constructor(directory: string, name: string) {
    this.#directory = path.join(directory, name);
    mkdirSync(this.#directory);
    this.cert = this.#make('ca', ['-x509', '-subj', `/CN=${name}`]).cert;
  }

  /** @param names as openssl takes them for `subjectAltName` */
  issue(commonName: string, names: string): KeyPair {
    return this.#make(commonName, [
      ...['-x509', '-CA', 'ca.crt', '-CAkey', 'ca.key', '-subj', `/CN=${commonName}`],
      ...['-addext', `subjectAltName=${names}`, '-addext', 'basicConstraints=critical,CA:FALSE'],
    ]);
  }

  #make(name: string, args: string[]): KeyPair {
    const files = ['-keyout', `${name}.key`, '-out', `${name}.crt`];
    execFileSync('openssl', ['req', ...args, ...NEW_KEY, ...files], { cwd: this.#directory, stdio: 'pipe' });
    const read = (file: string) => readFileSync(path.join(this.#directory, file), 'utf8');
    return { cert: read(`${name}.crt`), key: read(`${name}.key`) };
  }
}

import { readFile } from 'node:fs/promises';
import type { RequestOptions } from 'node:https';
import type { KubeConfig, User } from '@kubernetes/client-node';

/** client-node's extension point; it doesn't export the type's name. */
type Authenticator = Parameters<KubeConfig['addAuthenticator']>[0];

/** The name under which {@link TokenFileAuth} is asked for, as `authProvider` of a user. */
const PROVIDER = 'rotatingTokenFile';

/** A kubeconfig user's `authProvider` that takes the bearer token from a file. */
export function tokenFileProvider(path: string): { name: string; config: { path: string } } {
  return { name: PROVIDER, config: { path } };
}

/**
 * Bearer token from a file that is replaced now and then, as a service account's is. It is read whenever
 * credentials are put together; while the file is missing or empty the last good token stays in use. (client-node's
 * own file provider throws on a missing file and sends the token untrimmed.)
 */
export class TokenFileAuth implements Authenticator {
  readonly #lastGood = new Map<string, string>();

  isAuthProvider(user: User): boolean {
    return pathOf(user) !== undefined;
  }

  /** @throws the file system's error when the file can't be read and never could be. */
  async applyAuthentication(user: User, options: RequestOptions): Promise<void> {
    const path = pathOf(user);
    if (path === undefined) return;
    options.headers = { ...options.headers, Authorization: `Bearer ${await this.#token(path)}` };
  }

  async #token(path: string): Promise<string> {
    const last = this.#lastGood.get(path);
    let token: string;
    try {
      token = (await readFile(path, 'utf8')).trim();
      if (token === '') throw new Error(`${path} is empty`);
    } catch (error) {
      if (last === undefined) throw error;
      return last;
    }
    this.#lastGood.set(path, token);
    return token;
  }
}

function pathOf(user: User): string | undefined {
  const provider: { name?: string; config?: { path?: string } } | null | undefined = user.authProvider;
  return provider?.name === PROVIDER ? provider.config?.path : undefined;
}

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
 * Bearer token from a file that is replaced now and then, as a service account's is. It is read, and trimmed,
 * whenever credentials are put together. (client-node's own file provider sends the line break along.)
 */
export class TokenFileAuth implements Authenticator {
  isAuthProvider(user: User): boolean {
    return pathOf(user) !== undefined;
  }

  /** @throws an error that names the file when it can't be read or is empty. */
  async applyAuthentication(user: User, options: RequestOptions): Promise<void> {
    const path = pathOf(user);
    if (path === undefined) return;
    const token = (await readFile(path, 'utf8')).trim();
    if (token === '') throw new Error(`${path} is empty`);
    options.headers = { ...options.headers, Authorization: `Bearer ${token}` };
  }
}

function pathOf(user: User): string | undefined {
  const provider: { name?: string; config?: { path?: string } } | null | undefined = user.authProvider;
  return provider?.name === PROVIDER ? provider.config?.path : undefined;
}

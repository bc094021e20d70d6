import { existsSync, readFileSync } from 'node:fs';
import { isIPv6 } from 'node:net';
import { homedir } from 'node:os';
import path from 'node:path';
import { type Cluster, KubeConfig } from '@kubernetes/client-node';
import { parseDocument } from 'yaml';
import { proxyFor } from '../http-proxy.ts';
import { isJsonObject } from '../json.ts';
import { KubeError } from './errors.ts';
import { TokenFileAuth, tokenFileProvider } from './token-file.ts';

const SERVICE_ACCOUNT_DIR = '/var/run/secrets/kubernetes.io/serviceaccount';

export interface LoadOptions {
  /** Path of a kubeconfig; wins over everything else. */
  kubeconfig?: string | undefined;
  /** Context of the kubeconfig; default its `current-context`. */
  context?: string | undefined;
  /** Environment to look in: KUBECONFIG, KUBERNETES_SERVICE_HOST and _PORT. */
  env?: NodeJS.ProcessEnv;
  /** Where a pod finds its service account. */
  serviceAccountDir?: string;
  /** The directory that holds `.kube/config`. */
  home?: string;
}

/**
 * Finds the API server and the credentials for it: the given kubeconfig, else the files of `KUBECONFIG`, else the
 * pod's service account, else `~/.kube/config`. (kubectl looks at the service account last; in a pod a stray home
 * directory must not win.)
 *
 * @throws KubeError `ConfigError` that says what was tried, or which file is wrong and where; never a value of it.
 */
export function loadKubeConfig(options: LoadOptions = {}): KubeConfig {
  const { env = process.env, serviceAccountDir = SERVICE_ACCOUNT_DIR, home = homedir() } = options;
  if (options.kubeconfig !== undefined) return fromFiles([options.kubeconfig], options.context);

  const files = (env['KUBECONFIG'] ?? '').split(path.delimiter).filter((file) => file !== '');
  const present = files.filter((file) => existsSync(file));
  if (present.length > 0) return fromFiles(present, options.context);
  if (files.length > 0) {
    throw new KubeError('ConfigError', `no file of KUBECONFIG=${files.join(path.delimiter)} exists`);
  }

  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port } = env;
  const inCluster = host && port && existsSync(path.join(serviceAccountDir, 'token'));
  if (inCluster && options.context === undefined) return fromServiceAccount(host, port, serviceAccountDir);

  const fallback = path.join(home, '.kube', 'config');
  if (existsSync(fallback)) return fromFiles([fallback], options.context);
  throw new KubeError(
    'ConfigError',
    'no Kubernetes cluster is configured: KUBECONFIG is not set, this is not a pod with a service account ' +
      `(KUBERNETES_SERVICE_HOST and ${serviceAccountDir}/token), and ${fallback} does not exist; ` +
      'pass --kubeconfig or set KUBECONFIG',
  );
}

/** The namespace of the pod that this process runs in; `undefined` outside a pod. */
export function inClusterNamespace(serviceAccountDir: string = SERVICE_ACCOUNT_DIR): string | undefined {
  const file = path.join(serviceAccountDir, 'namespace');
  if (!existsSync(file)) return undefined;
  const namespace = readFileSync(file, 'utf8').trim();
  return namespace === '' ? undefined : namespace;
}

/**
 * The proxy to the API server: that of the kubeconfig's `proxy-url`, else that of `HTTPS_PROXY` or `HTTP_PROXY` unless
 * `NO_PROXY` excepts the server. The address that a pod has for it is never proxied: it means nothing outside the
 * cluster.
 *
 * @throws KubeError `ConfigError` when the environment's is none
 */
export function proxyUrlOf(
  { server, proxyUrl }: Pick<Cluster, 'server' | 'proxyUrl'>,
  env: NodeJS.ProcessEnv = process.env,
): string | undefined {
  if (proxyUrl !== undefined) return proxyUrl;
  const url = new URL(server);
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port } = env;
  if (host && port && url.host === new URL(serviceUrl(host, port)).host) return undefined;
  try {
    return proxyFor(url, env)?.href;
  } catch (cause) {
    throw new KubeError('ConfigError', cause instanceof Error ? cause.message : String(cause), { cause });
  }
}

/** Where the API server is: the address of the configuration, and in a pod that of the Service as well. */
export function apiServerUrls(config: KubeConfig, env: NodeJS.ProcessEnv = process.env): string[] {
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port } = env;
  const server = config.getCurrentCluster()?.server;
  return [...(server === undefined ? [] : [server]), ...(host && port ? [serviceUrl(host, port)] : [])];
}

function serviceUrl(host: string, port: string): string {
  return `https://${isIPv6(host) ? `[${host}]` : host}:${port}`;
}

/** As kubectl merges: the first file that has an entry or a current context wins. */
function fromFiles(files: string[], context: string | undefined): KubeConfig {
  const [first = emptyConfig(), ...others] = files.map(readKubeconfig);
  const config = first;
  for (const other of others) {
    addMissing(config.clusters, other.clusters);
    addMissing(config.users, other.users);
    addMissing(config.contexts, other.contexts);
    config.currentContext ||= other.currentContext;
  }
  if (context !== undefined) config.setCurrentContext(context);
  return checked(config, files.join(path.delimiter));
}

function emptyConfig(): KubeConfig {
  const config = new KubeConfig();
  config.addAuthenticator(new TokenFileAuth());
  return config;
}

function readKubeconfig(file: string): KubeConfig {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    throw new KubeError('ConfigError', `cannot read the kubeconfig ${file}: ${codeOf(cause)}`, { cause });
  }
  // Parsed here because client-node's parser quotes the lines around an error, tokens included.
  const document = parseDocument(text);
  const [error] = document.errors;
  if (error !== undefined) {
    const line = error.linePos?.[0].line ?? '?';
    throw new KubeError(
      'ConfigError',
      `the kubeconfig ${file} is not valid YAML: ${error.code} in line ${line}`,
    );
  }
  const content: unknown = document.toJS({ maxAliasCount: 100 });
  if (!isJsonObject(content)) {
    throw new KubeError('ConfigError', `the kubeconfig ${file} has no clusters, users and contexts`);
  }
  useTokenFiles(content['users'], path.dirname(file));
  const config = emptyConfig();
  // JSON is YAML; a broken entry that isn't used must not get in the way.
  config.loadFromString(JSON.stringify(content), { onInvalidEntry: 'filter' });
  config.makePathsAbsolute(path.dirname(path.resolve(file)));
  return config;
}

/** client-node doesn't know kubectl's `tokenFile` key of a user, which wins over `token`. */
function useTokenFiles(users: unknown, directory: string): void {
  if (!Array.isArray(users)) return;
  for (const entry of users) {
    const user: unknown = isJsonObject(entry) ? entry['user'] : undefined;
    if (!isJsonObject(user) || typeof user['tokenFile'] !== 'string') continue;
    delete user['token'];
    user['auth-provider'] = tokenFileProvider(path.resolve(directory, user['tokenFile']));
  }
}

function fromServiceAccount(host: string, port: string, directory: string): KubeConfig {
  const config = emptyConfig();
  const name = 'in-cluster';
  config.loadFromOptions({
    clusters: [
      {
        name,
        server: serviceUrl(host, port),
        caFile: path.join(directory, 'ca.crt'),
        skipTLSVerify: false,
      },
    ],
    users: [{ name, authProvider: tokenFileProvider(path.join(directory, 'token')) }],
    contexts: [{ name, cluster: name, user: name, namespace: inClusterNamespace(directory) }],
    currentContext: name,
  });
  return checked(config, 'the service account');
}

function checked(config: KubeConfig, source: string): KubeConfig {
  const name = config.getCurrentContext();
  const context = config.getContextObject(name);
  if (context === null) {
    const known = config.contexts.map((c) => c.name).join(', ') || 'none';
    const problem = name ? `has no context "${name}"` : 'names no current-context';
    throw new KubeError('ConfigError', `${source} ${problem}; its contexts: ${known}`);
  }
  const cluster = config.getCluster(context.cluster);
  if (cluster === null) {
    throw new KubeError('ConfigError', `${source} has no cluster "${context.cluster}" for context "${name}"`);
  }
  if (!URL.canParse(cluster.server) || !/^https?:/.test(cluster.server)) {
    throw new KubeError(
      'ConfigError',
      `${source}: the server of cluster "${cluster.name}" is not an http(s) URL`,
    );
  }
  // client-node refuses http (kubectl proxy) unless told that there is no certificate to verify.
  if (cluster.server.startsWith('http:')) Object.assign(cluster, { skipTLSVerify: true });
  if (context.user === undefined) {
    // Without any user client-node leaves out the cluster's CA as well.
    const user = 'anonymous';
    addMissing(config.users, [{ name: user }]);
    Object.assign(context, { user });
  } else if (config.getUser(context.user) === null) {
    throw new KubeError('ConfigError', `${source} has no user "${context.user}" for context "${name}"`);
  }
  return config;
}

function addMissing<T extends { name: string }>(to: T[], from: T[]): void {
  to.push(...from.filter((candidate) => !to.some((present) => present.name === candidate.name)));
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
}

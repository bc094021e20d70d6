import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cacheRoot } from './cache.ts';
import { type ControlPlaneBinaries, controlPlaneBinaries } from './control-plane-binaries.ts';
import type { TestbedError } from './errors.ts';
import { sweepAtEnd } from './guard.ts';
import { freePorts } from './ports.ts';
import type { Log } from './progress.ts';
import { findPython } from './python.ts';
import { Service } from './service.ts';

export interface ControlPlaneOptions {
  binaries: ControlPlaneBinaries;
  /** Folder of data, keys and logs. */
  dir: string;
  python: string;
  onUnexpectedExit: (error: TestbedError) => void;
  /** More arguments of kube-apiserver. */
  apiServerArgs?: readonly string[];
  /** For a cluster that runs pods. Default: none can, and everything is on loopback. */
  node?: NodeAccess | undefined;
}

/** How nodes, controllers and pods reach the API server. */
export interface NodeAccess {
  /** Address of this machine that pods reach. */
  address: string;
  /** Addresses of Services, as in `10.96.0.0/16`. */
  serviceRange: string;
  /** Users besides the administrator, and their groups. Each gets a token and a kubeconfig. */
  users: Readonly<Record<string, readonly string[]>>;
}

export interface ControlPlane {
  /** Path of a kubeconfig whose user is in system:masters. */
  kubeconfig: string;
  /** Paths of the kubeconfigs of {@link NodeAccess.users}; written, as the other, when the API server is ready. */
  kubeconfigs: Record<string, string>;
  /** Path of the certificate that the API server's own is checked with (PEM); there once it is ready. */
  certificateAuthority: string;
  /** Path of the private key that tokens of service accounts are signed with (PEM). */
  serviceAccountKey: string;
  /** Where etcd answers, with JSON under `/v3`. */
  etcdUrl: string;
  etcd: Service;
  apiServer: Service;
}

/** A control plane by itself, without a cloud beside it. */
export interface StartedControlPlane extends ControlPlane {
  /** Kills both and removes their state. */
  stop(): Promise<void>;
}

/**
 * Starts etcd and kube-apiserver alone, in seconds, in a temporary folder.
 *
 * Throws a TestbedError with a one-line message; nothing is left running then.
 */
export async function startControlPlane({
  apiServerArgs = [],
  log = () => undefined,
}: {
  apiServerArgs?: readonly string[];
  log?: Log;
} = {}): Promise<StartedControlPlane> {
  const python = (await findPython()).path;
  const binaries = await controlPlaneBinaries({ root: cacheRoot(), python, log });
  const dir = await mkdtemp(join(tmpdir(), 'heatstack-control-plane-'));
  const sweeper = sweepAtEnd(python, dir);
  // Whoever uses it notices that nothing answers any more.
  const onUnexpectedExit = (error: TestbedError): void => log(error.message);
  const plane = await prepareControlPlane({ binaries, dir, python, onUnexpectedExit, apiServerArgs });
  // SIGKILL: on SIGTERM, kube-apiserver waits for open watches, and there is nothing to save.
  const kill = () => Promise.all([plane.apiServer.kill('SIGKILL'), plane.etcd.kill('SIGKILL')]);
  try {
    await plane.etcd.start();
    await plane.apiServer.start();
  } catch (error) {
    await kill();
    sweeper.keep(); // the message names a log in there
    throw error;
  }
  return {
    ...plane,
    async stop() {
      await kill();
      await sweeper.sweep();
    },
  };
}

const ADMIN = 'testbed-admin';

/** Arguments of kube-apiserver where no pod runs. */
const ALONE = [
  '--bind-address=127.0.0.1',
  '--advertise-address=127.0.0.1',
  // Refuses to start otherwise: an endpoint may not be in the loopback range.
  '--endpoint-reconciler-type=none',
  '--authorization-mode=RBAC',
  '--service-cluster-ip-range=10.0.0.0/24',
  // It would wait for a controller manager to make each namespace's default account.
  '--disable-admission-plugins=ServiceAccount',
];

/** Arguments of kube-apiserver where pods run. */
function withNode({ address, serviceRange }: NodeAccess): string[] {
  return [
    '--bind-address=0.0.0.0',
    `--advertise-address=${address}`,
    '--authorization-mode=Node,RBAC',
    '--enable-admission-plugins=NodeRestriction',
    `--service-cluster-ip-range=${serviceRange}`,
    '--kubelet-preferred-address-types=InternalIP',
  ];
}

/**
 * etcd and kube-apiserver, not started yet. RBAC is on and tokens of service accounts can be requested. There is no
 * controller manager: nothing collects garbage or empties a namespace that is being deleted.
 */
export async function prepareControlPlane(options: ControlPlaneOptions): Promise<ControlPlane> {
  const { binaries, dir, python, onUnexpectedExit, apiServerArgs = [], node } = options;
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const [clientPort, peerPort, securePort] = (await freePorts(3)) as [number, number, number];
  const etcdUrl = `http://127.0.0.1:${clientPort}`;
  const peerUrl = `http://127.0.0.1:${peerPort}`;
  const server = `https://${node?.address ?? '127.0.0.1'}:${securePort}`;

  const serviceAccountKey = join(dir, 'service-accounts.key');
  await writeOnce(serviceAccountKey, () =>
    generateKeyPairSync('rsa', { modulusLength: 2048 })
      .privateKey.export({ type: 'pkcs8', format: 'pem' })
      .toString(),
  );
  const tokenFile = join(dir, 'tokens.csv');
  const users = { [ADMIN]: ['system:masters'], ...node?.users };
  await writeOnce(tokenFile, () =>
    Object.entries(users)
      .map(([user, groups]) => `${randomBytes(16).toString('hex')},${user},${user},"${groups.join()}"\n`)
      .join(''),
  );
  const tokens = (await readFile(tokenFile, 'utf8')).split('\n').map((line) => line.split(','));
  const tokenOf = (user: string): string => tokens.find(([, name]) => name === user)?.[0] ?? '';
  const certificates = join(dir, 'certificates');
  const certificate = join(certificates, 'apiserver.crt');
  const certificateAuthority = join(dir, 'ca.crt');
  const kubeconfig = join(dir, 'kubeconfig');
  const others = Object.keys(node?.users ?? {}).map((user) => [user, join(dir, `${user}.kubeconfig`)]);
  const kubeconfigs = Object.fromEntries(others) as Record<string, string>;

  const etcd = new Service({
    name: 'etcd',
    command: binaries.etcd,
    args: [
      '--name=testbed',
      `--data-dir=${join(dir, 'etcd')}`,
      `--listen-client-urls=${etcdUrl}`,
      `--advertise-client-urls=${etcdUrl}`,
      `--listen-peer-urls=${peerUrl}`,
      `--initial-advertise-peer-urls=${peerUrl}`,
      `--initial-cluster=testbed=${peerUrl}`,
      '--unsafe-no-fsync',
      '--log-level=warn',
    ],
    logFile: join(dir, 'etcd.log'),
    python,
    readyTimeoutMs: 60_000,
    isReady: async (signal) => (await fetch(`${etcdUrl}/health`, { signal })).ok,
    onUnexpectedExit,
  });

  const apiServer = new Service({
    name: 'kube-apiserver',
    command: binaries['kube-apiserver'],
    args: [
      `--etcd-servers=${etcdUrl}`,
      ...(node === undefined ? ALONE : withNode(node)),
      `--secure-port=${securePort}`,
      // It makes its own certificate authority and certificate here, and finds them again after a restart.
      `--cert-dir=${certificates}`,
      `--token-auth-file=${tokenFile}`,
      '--service-account-issuer=https://kubernetes.default.svc',
      `--service-account-key-file=${serviceAccountKey}`,
      `--service-account-signing-key-file=${serviceAccountKey}`,
      // As OpenShift has it: who writes owner references needs rights on the owner.
      '--enable-admission-plugins=OwnerReferencesPermissionEnforcement',
      '--allow-privileged=true',
      '--profiling=false',
      ...apiServerArgs,
    ],
    logFile: join(dir, 'kube-apiserver.log'),
    python,
    readyTimeoutMs: 120_000,
    isReady: async (signal) => {
      if (!existsSync(certificate)) return false;
      const ca = authorityOf(await readFile(certificate, 'utf8'));
      const token = tokenOf(ADMIN);
      const answers = async (path: string): Promise<boolean> =>
        (await statusOf(server + path, { ca, token, signal })) === 200;
      if (!((await answers('/readyz')) && (await answers('/api/v1/namespaces/default')))) return false;
      await writeFile(certificateAuthority, ca);
      for (const [user, file] of Object.entries({ ...kubeconfigs, [ADMIN]: kubeconfig }))
        await writeFile(file, kubeconfigText({ server, ca, token: tokenOf(user) }), { mode: 0o600 });
      return true;
    },
    onUnexpectedExit,
  });
  return { kubeconfig, kubeconfigs, certificateAuthority, serviceAccountKey, etcdUrl, etcd, apiServer };
}

/** kube-apiserver writes its authority's certificate behind its own, which has no place among authorities. */
function authorityOf(chain: string): string {
  return chain.slice(chain.lastIndexOf('-----BEGIN'));
}

async function writeOnce(file: string, content: () => string): Promise<void> {
  if (!existsSync(file)) await writeFile(file, content(), { mode: 0o600 });
}

/** JSON, which is YAML too. */
function kubeconfigText({ server, ca, token }: { server: string; ca: string; token: string }): string {
  const name = 'heatstack-testbed';
  return `${JSON.stringify(
    {
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [
        { name, cluster: { server, 'certificate-authority-data': Buffer.from(ca).toString('base64') } },
      ],
      users: [{ name: 'user', user: { token } }],
      contexts: [{ name, context: { cluster: name, user: 'user', namespace: 'default' } }],
      'current-context': name,
    },
    null,
    2,
  )}\n`;
}

/** HTTP status of a GET. Not `fetch`, which can't be told a certificate authority. */
function statusOf(
  url: string,
  { ca, token, signal }: { ca: string; token: string; signal: AbortSignal },
): Promise<number> {
  return new Promise((resolve, reject) => {
    const options = {
      ca,
      signal,
      timeout: 5000,
      agent: false,
      headers: { authorization: `Bearer ${token}` },
    };
    const asked = request(url, options, (answer) => {
      answer.resume();
      resolve(answer.statusCode ?? 0);
    });
    asked.once('timeout', () => asked.destroy(new Error('no answer')));
    asked.once('error', reject);
    asked.end();
  });
}

import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { stringify } from 'yaml';
import type { TestbedError } from '../testbed/errors.ts';
import { Service } from '../testbed/service.ts';
import type { ContainerRuntime } from './container-runtime.ts';
import { NODE, NODE_ADDRESS, POD_RANGE } from './network.ts';
import type { NodeBinaries, Part } from './node-binaries.ts';
import { PAUSE_IMAGE } from './pause-image.ts';

const SOCKET = '/run/containerd/containerd.sock';
const DNS_DOMAIN = 'cluster.local';
const READY_MS = 60_000;
/** Who is who to the API server; the names and groups are Kubernetes' own. */
const USERS = {
  kubelet: `system:node:${NODE}`,
  'kube-controller-manager': 'system:kube-controller-manager',
  'kube-scheduler': 'system:kube-scheduler',
  'kube-proxy': 'system:kube-proxy',
  // Its own role isn't among those that an API server makes.
  coredns: 'coredns',
} as const satisfies Record<Part, string>;

/** The users of a node's parts, with their groups. */
export const NODE_USERS: Record<string, string[]> = {
  [USERS.kubelet]: ['system:nodes'],
  [USERS['kube-controller-manager']]: [],
  [USERS['kube-scheduler']]: [],
  [USERS['kube-proxy']]: [],
  [USERS.coredns]: ['system:masters'],
};

export interface NodeOptions {
  binaries: NodeBinaries;
  runtime: ContainerRuntime;
  /** Folder of data, configuration and logs of the parts. */
  dir: string;
  /** Folder for the logs of pods. */
  podLogs: string;
  /** Name of the cgroups that pods run in. */
  cgroup: string;
  python: string;
  /** By user, as in {@link NODE_USERS}. */
  kubeconfigs: Record<string, string>;
  certificateAuthority: string;
  serviceAccountKey: string;
  onUnexpectedExit: (error: TestbedError) => void;
}

/** A node, and what makes a cluster of it and an API server. Nothing is started yet. */
export interface Node extends Record<Part, Service> {
  containerd: Service;
  /** Puts an OCI archive among the images; containerd must run. */
  importImage(archive: string): Promise<void>;
}

/** Writes the configuration of a node's parts. */
export async function prepareNode(options: NodeOptions): Promise<Node> {
  const { binaries, runtime, dir, python, onUnexpectedExit } = options;
  await mkdir(dir, { recursive: true });
  const path = `${runtime.bin}${delimiter}${runtime.sbin}${delimiter}${process.env['PATH'] ?? ''}`;
  const ctr = async (...args: string[]): Promise<void> => {
    await promisify(execFile)(join(runtime.bin, 'ctr'), ['--address', SOCKET, ...args]);
  };
  const service = (
    name: string,
    command: string,
    args: string[],
    isReady: (signal: AbortSignal) => Promise<boolean>,
    env: Record<string, string> = {},
  ): Service =>
    new Service({
      ...{ name, command, args, isReady, python, onUnexpectedExit },
      env: { PATH: path, ...env },
      logFile: join(dir, `${name}.log`),
      readyTimeoutMs: READY_MS,
    });
  const part = (name: Part, args: string[], healthUrl?: string, env?: Record<string, string>): Service =>
    service(
      name,
      binaries[name],
      args,
      async (signal) => healthUrl === undefined || (await fetch(healthUrl, { signal })).ok,
      env,
    );
  const kubeconfig = (name: Part): string => options.kubeconfigs[USERS[name]] ?? '';
  const configure = async (file: string, content: string | object): Promise<string> => {
    const written = join(dir, file);
    await writeFile(written, typeof content === 'string' ? content : stringify(content));
    return written;
  };

  await mkdir(join(dir, 'cni'));
  await configure('cni/10-bridge.conflist', JSON.stringify(CNI));
  const containerd = await configure('containerd.toml', containerdConfiguration(dir, runtime));
  return {
    containerd: service('containerd', join(runtime.bin, 'containerd'), ['--config', containerd], async () => {
      await ctr('version');
      return true;
    }),
    importImage: (archive) => ctr('--namespace', 'k8s.io', 'images', 'import', archive),
    kubelet: part(
      'kubelet',
      [
        `--config=${await configure('kubelet.yaml', await kubeletConfiguration(options))}`,
        `--kubeconfig=${kubeconfig('kubelet')}`,
        `--cert-dir=${join(dir, 'kubelet-certificates')}`,
        `--hostname-override=${NODE}`,
        `--node-ip=${NODE_ADDRESS}`,
      ],
      'http://127.0.0.1:10248/healthz',
    ),
    'kube-controller-manager': part('kube-controller-manager', [
      `--kubeconfig=${kubeconfig('kube-controller-manager')}`,
      `--service-account-private-key-file=${options.serviceAccountKey}`,
      `--root-ca-file=${options.certificateAuthority}`,
      '--use-service-account-credentials',
      '--leader-elect=false',
      '--secure-port=0',
      // A node that is paused is to be noticed soon, and none that is only slow.
      '--node-monitor-grace-period=15s',
      '--node-monitor-period=2s',
    ]),
    'kube-scheduler': part('kube-scheduler', [
      `--kubeconfig=${kubeconfig('kube-scheduler')}`,
      '--leader-elect=false',
      '--secure-port=0',
    ]),
    'kube-proxy': part(
      'kube-proxy',
      [`--config=${await configure('kube-proxy.yaml', proxyConfiguration(kubeconfig('kube-proxy')))}`],
      'http://127.0.0.1:10256/livez',
      { LD_LIBRARY_PATH: runtime.libraries }, // of nft
    ),
    coredns: part(
      'coredns',
      ['-conf', await configure('Corefile', corefile(kubeconfig('coredns')))],
      'http://127.0.0.1:8181/ready',
    ),
  };
}

/** Pods hang on one bridge, whose address is their gateway. */
const CNI = {
  cniVersion: '0.4.0',
  name: 'pods',
  plugins: [
    {
      type: 'bridge',
      bridge: 'pods',
      isGateway: true,
      hairpinMode: true,
      ipam: { type: 'host-local', ranges: [[{ subnet: POD_RANGE }]], routes: [{ dst: '0.0.0.0/0' }] },
    },
  ],
};

function containerdConfiguration(dir: string, runtime: ContainerRuntime): string {
  const cri = 'plugins."io.containerd.grpc.v1.cri"';
  return `version = 2
root = "${join(dir, 'containerd')}"
state = "/run/containerd"
[grpc]
  address = "${SOCKET}"
[plugins."io.containerd.internal.v1.opt"]
  path = "${join(dir, 'opt')}"
[${cri}]
  sandbox_image = "${PAUSE_IMAGE}"
  disable_apparmor = true
  # Without CAP_SYS_RESOURCE, no process can be made less likely to be killed when memory is short.
  restrict_oom_score_adj = true
[${cri}.containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"
[${cri}.cni]
  bin_dir = "${runtime.cni}"
  conf_dir = "${join(dir, 'cni')}"
`;
}

async function kubeletConfiguration({ dir, podLogs, cgroup }: NodeOptions): Promise<object> {
  const resolvConf = join(dir, 'resolv.conf');
  await writeFile(resolvConf, `nameserver ${NODE_ADDRESS}\n`);
  return {
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    kind: 'KubeletConfiguration',
    failCgroupV1: false,
    cgroupDriver: 'cgroupfs',
    cgroupRoot: `/${cgroup}`,
    // They are as it wants them where it looks (host.ts), and must not be changed.
    protectKernelDefaults: true,
    failSwapOn: false,
    containerRuntimeEndpoint: `unix://${SOCKET}`,
    // The API server shows it no certificate, and nothing but pods of tests can reach it.
    authentication: { anonymous: { enabled: true }, webhook: { enabled: false } },
    authorization: { mode: 'AlwaysAllow' },
    clusterDomain: DNS_DOMAIN,
    clusterDNS: [NODE_ADDRESS],
    resolvConf,
    podLogsDir: podLogs,
    volumePluginDir: join(dir, 'volume-plugins'),
    // The machine's disk may be nearly full, which is no reason to evict a pod of a test.
    evictionHard: {
      'memory.available': '100Mi',
      'nodefs.available': '0%',
      'nodefs.inodesFree': '0%',
      'imagefs.available': '0%',
    },
    imageGCHighThresholdPercent: 100,
    imageGCLowThresholdPercent: 99,
    syncFrequency: '10s',
    // It shows a sign of life four times as often.
    nodeLeaseDurationSeconds: 8,
  };
}

function proxyConfiguration(kubeconfig: string): object {
  return {
    apiVersion: 'kubeproxy.config.k8s.io/v1alpha1',
    kind: 'KubeProxyConfiguration',
    mode: 'nftables',
    clusterCIDR: POD_RANGE,
    hostnameOverride: NODE,
    clientConnection: { kubeconfig },
    // Leave the machine's settings alone.
    conntrack: { maxPerCore: 0, min: 0, tcpEstablishedTimeout: '0s', tcpCloseWaitTimeout: '0s' },
  };
}

function corefile(kubeconfig: string): string {
  return `.:53 {
  bind ${NODE_ADDRESS}
  errors
  ready 127.0.0.1:8181
  kubernetes ${DNS_DOMAIN} in-addr.arpa {
    kubeconfig ${kubeconfig}
    pods verified
    ttl 5
  }
  cache 5
}
`;
}

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { KubeConfig } from '@kubernetes/client-node';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { apiServerUrls, inClusterNamespace, type LoadOptions, loadKubeConfig } from './config.ts';
import { KubeError } from './errors.ts';

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'kube-config-'));
});

afterEach(() => rmSync(directory, { recursive: true, force: true }));

function write(name: string, content: string): string {
  const file = path.join(directory, name);
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, content);
  return file;
}

function kubeconfig(name: string, extra = ''): string {
  return `apiVersion: v1
kind: Config
clusters: [{name: ${name}-cluster, cluster: {server: "https://${name}.example:6443", certificate-authority: ca.crt}}]
users: [{name: ${name}-user, user: {token: ${name}-token}}]
contexts: [{name: ${name}, context: {cluster: ${name}-cluster, user: ${name}-user}}]
current-context: ${name}
${extra}`;
}

const load = (options: LoadOptions = {}) =>
  loadKubeConfig({ env: {}, home: directory, serviceAccountDir: path.join(directory, 'sa'), ...options });

function failure(options: LoadOptions = {}): KubeError {
  try {
    load(options);
  } catch (error) {
    if (error instanceof KubeError) return error;
    throw error;
  }
  throw new Error('it did not fail');
}

function serviceAccount() {
  write('sa/token', 'token-of-the-pod\n');
  write('sa/namespace', 'heat\n');
  write('sa/ca.crt', 'PEM');
  return { KUBERNETES_SERVICE_HOST: '10.0.0.1', KUBERNETES_SERVICE_PORT: '443' };
}

describe('where it looks', () => {
  test('in this order: the file given, KUBECONFIG, the pod, the home directory', () => {
    const env = { ...serviceAccount(), KUBECONFIG: write('env', kubeconfig('env')) };
    write('.kube/config', kubeconfig('home'));
    const given = write('given', kubeconfig('given'));
    const serverOf = (options: LoadOptions) => load(options).getCurrentCluster()?.server;
    expect(serverOf({ kubeconfig: given, env })).toBe('https://given.example:6443');
    expect(serverOf({ env })).toBe('https://env.example:6443');
    expect(serverOf({ env: { ...env, KUBECONFIG: '' } })).toBe('https://10.0.0.1:443');
    expect(serverOf({ env: {} })).toBe('https://home.example:6443');
    expect(serverOf({ env: { ...env, KUBECONFIG: '' }, context: 'home' })).toBe('https://home.example:6443');
  });

  test('says what it tried', () => {
    const { code, message } = failure();
    expect(code).toBe('ConfigError');
    for (const tried of [
      'KUBECONFIG',
      'service account',
      path.join(directory, '.kube/config'),
      '--kubeconfig',
    ]) {
      expect(message).toContain(tried);
    }
  });

  test('a file that is not there is an error', () => {
    expect(failure({ kubeconfig: '/nowhere/config' }).message).toBe(
      'cannot read the kubeconfig /nowhere/config: ENOENT',
    );
    write('.kube/config', kubeconfig('home'));
    expect(failure({ env: { KUBECONFIG: '/nowhere/config' } }).message).toBe(
      'no file of KUBECONFIG=/nowhere/config exists',
    );
  });
});

describe('a pod', () => {
  test('has its service account and namespace', () => {
    const config = load({ env: { ...serviceAccount(), KUBERNETES_SERVICE_HOST: 'fd00::1' } });
    expect(config.getCurrentCluster()).toMatchObject({
      server: 'https://[fd00::1]:443',
      caFile: path.join(directory, 'sa/ca.crt'),
      skipTLSVerify: false,
    });
    expect(inClusterNamespace(path.join(directory, 'sa'))).toBe('heat');
    expect(inClusterNamespace(directory)).toBeUndefined();
  });

  test('without a token is no pod', () => {
    expect(
      failure({ env: { KUBERNETES_SERVICE_HOST: '10.0.0.1', KUBERNETES_SERVICE_PORT: '443' } }).code,
    ).toBe('ConfigError');
  });
});

describe('a kubeconfig', () => {
  test('resolves its files against its own directory', () => {
    write('dir/config', kubeconfig('a'));
    expect(load({ kubeconfig: path.join(directory, 'dir/config') }).getCurrentCluster()?.caFile).toBe(
      path.join(directory, 'dir/ca.crt'),
    );
  });

  test('is merged with the others of KUBECONFIG; the first that says something counts', () => {
    const first = write('first', kubeconfig('a').replace('current-context: a', ''));
    const second = write('second', kubeconfig('b', '').replaceAll('b-cluster', 'a-cluster'));
    const config = load({ env: { KUBECONFIG: [first, '/nowhere', second].join(path.delimiter) } });
    expect(config.getCurrentContext()).toBe('b');
    expect(config.getCurrentCluster()?.server).toBe('https://a.example:6443');
    expect(config.getCurrentUser()?.name).toBe('b-user');
  });

  test('has a context of the name asked for, or says which it has', () => {
    const file = write('config', kubeconfig('a'));
    expect(failure({ kubeconfig: file, context: 'b' }).message).toBe(
      `${file} has no context "b"; its contexts: a`,
    );
  });

  test.each([
    [
      'no current context',
      (text: string) => text.replace('current-context: a', ''),
      'names no current-context',
    ],
    [
      'a missing cluster',
      (text: string) => text.replace('cluster: a-cluster', 'cluster: gone'),
      'no cluster "gone"',
    ],
    ['a missing user', (text: string) => text.replace('user: a-user', 'user: gone'), 'no user "gone"'],
    ['a server that is no URL', (text: string) => text.replace('https://a', 'ftp://a'), 'not an http(s) URL'],
    ['a list', () => '- a', 'has no clusters'],
    ['nothing', () => '', 'has no clusters'],
  ])('with %s is refused', (_name, change, message) => {
    const error = failure({ kubeconfig: write('config', change(kubeconfig('a'))) });
    expect(error.code).toBe('ConfigError');
    expect(error.message).toContain(message);
  });

  test('that is not YAML is refused without a word of it', () => {
    const file = write('config', 'users:\n  - name: a\n    user: {token: "secret-token}\n');
    const { message } = failure({ kubeconfig: file });
    expect(message).toMatch(/is not valid YAML: [A-Z_]+ in line \d+$/);
    expect(message).not.toContain('secret');
  });

  test('may have broken entries that are not used', () => {
    const file = write('config', kubeconfig('a').replace('clusters: [', 'clusters: [{name: broken}, '));
    expect(load({ kubeconfig: file }).getCurrentCluster()?.name).toBe('a-cluster');
  });

  test('may lead to plain http, without a user', async () => {
    const text = kubeconfig('a')
      .replace('https://a.example:6443', 'http://127.0.0.1:8001')
      .replace(', user: a-user', '');
    const config = load({ kubeconfig: write('config', text.replace(', certificate-authority: ca.crt', '')) });
    await expect(config.applyToHTTPSOptions({})).resolves.toBeUndefined();
  });
});

test('the API server is where the configuration says, and in a pod where its Service is', () => {
  const config = new KubeConfig();
  config.loadFromClusterAndUser(
    { name: 'c', server: 'https://api.example.com:6443', skipTLSVerify: false },
    { name: 'u' },
  );
  expect(apiServerUrls(config, {})).toEqual(['https://api.example.com:6443']);
  const env = { KUBERNETES_SERVICE_HOST: 'fd00::1', KUBERNETES_SERVICE_PORT: '443' };
  expect(apiServerUrls(config, env)).toEqual(['https://api.example.com:6443', 'https://[fd00::1]:443']);
});

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { cloudsYaml } from '../../support/clouds.ts';
import { scenario } from '../../support/scenario.ts';
import { installed, kubectl, NAMESPACE } from '../support/installation.ts';
import { inOperator, operatorPods } from '../support/pods.ts';

const release = installed();
const s = scenario('install');
const sample = (name: string): string => readFileSync(`deploy/samples/${name}`, 'utf8');

/** The sample of a Secret, filled in as it says. */
function credentials(): string {
  const secret = parse(sample('credentials.example.yaml')) as { stringData: Record<string, string> };
  const example = parse(secret.stringData['clouds.yaml'] ?? '') as {
    clouds: Record<string, { auth: object }>;
  };
  const real = parse(cloudsYaml({})) as typeof example;
  const ours = real.clouds['demo']?.auth as { auth_url: string; password: string };
  const { auth = {}, ...settings } = example.clouds['demo'] ?? {};
  const demo = { ...settings, auth: { ...auth, auth_url: ours.auth_url, password: ours.password } };
  return JSON.stringify({ ...secret, stringData: { 'clouds.yaml': JSON.stringify({ clouds: { demo } }) } });
}

describe('the operator in its pod', () => {
  it('is alone, and has not been restarted', async () => {
    const pods = await operatorPods(release);
    expect(pods).toHaveLength(1);
    expect(pods[0]?.status).toMatchObject({
      phase: 'Running',
      containerStatuses: [{ ready: true, restartCount: 0 }],
    });
  });

  it('causes no warning', async () => {
    const warnings = ['get', 'events', '-n', NAMESPACE, '--field-selector', 'type=Warning', '-o', 'json'];
    const { items } = JSON.parse(await kubectl(warnings)) as { items: { reason: string }[] };
    // On a slow machine a probe may come before it is ready.
    expect(items.filter(({ reason }) => reason !== 'Unhealthy')).toEqual([]);
  });

  it('is in a namespace that takes only restricted pods, and is another user than root', async () => {
    const namespace = JSON.parse(await kubectl(['get', 'namespace', NAMESPACE, '-o', 'json'])) as {
      metadata: { labels: Record<string, string> };
    };
    expect(namespace.metadata.labels['pod-security.kubernetes.io/enforce']).toBe('restricted');
    const ids = await inOperator(
      release,
      'process.stdout.write(JSON.stringify([process.getuid(), process.getgid()]))',
    );
    expect(JSON.parse(ids)).toEqual([65532, 65532]);
    const status = await inOperator(
      release,
      "process.stdout.write(fs.readFileSync('/proc/1/status', 'utf8'))",
    );
    const value = (name: string) => new RegExp(`^${name}:\\s+(\\w+)$`, 'm').exec(status)?.[1];
    expect({
      capabilities: value('CapBnd'),
      noNewPrivileges: value('NoNewPrivs'),
      seccomp: value('Seccomp'),
    }).toEqual({
      capabilities: '0000000000000000',
      noNewPrivileges: '1',
      seccomp: '2',
    });
  });

  it.each(['/', '/app', '/tmp', '/usr/local/bin'])('can write nothing to %s', async (folder) => {
    const write = `try { fs.writeFileSync('${folder}/x', ''); console.log('written') } catch ({ code }) { console.log(code) }`;
    expect(['EROFS\n', 'EACCES\n']).toContain(await inOperator(release, write));
  });

  it('has no shell', async () => {
    const [pod] = await operatorPods(release);
    const shell = kubectl(['exec', '-n', NAMESPACE, pod?.metadata.name ?? '', '--', '/bin/sh', '-c', 'true']);
    await expect(shell).rejects.toThrow(/no such file or directory/);
  });
});

describe('the samples', () => {
  it('come up, show their resources, and go with their objects', async () => {
    await s.applyText(credentials());
    expect(await s.applyText(sample('minimal.yaml'))).toBe('heatstack.heatstack.dev/hello created\n');
    await s.kubectl(['wait', '--for=condition=Ready', 'hstack/hello', '--timeout=60s']);
    const { status } = await s.ready('hello');
    expect(status).toMatchObject({
      stackName: 'hello',
      stackStatus: 'CREATE_COMPLETE',
      resourceSummary: { text: '1/1' },
      resources: [{ name: 'greeting', type: 'OS::Heat::RandomString', status: 'CREATE_COMPLETE' }],
    });
    expect(await s.stacksNamed('hello')).toMatchObject([{ id: status.id, status: 'CREATE_COMPLETE' }]);
    await expect
      .poll(async () => (await s.events('hello')).map(({ reason }) => reason))
      .toEqual(['StackCreating', 'StackCreated']);

    await s.kubectl(['delete', 'hstack/hello', '--timeout=60s']);
    expect(await s.stacksNamed('hello')).toEqual([]);
  });

  it('the full one as well', async () => {
    await s.applyText(sample('full.yaml'));
    const { status } = await s.ready('web');
    expect(status.resourceSummary).toMatchObject({ failed: 0, inProgress: 0 });
    expect(status.resources?.length).toBeGreaterThan(5);
    const outputs = JSON.parse(await s.kubectl(['get', 'secret', 'web-outputs', '-o', 'json'])) as {
      data: object;
    };
    expect(Object.keys(outputs.data).sort()).toEqual(['keys', 'settings', 'size']);
    await s.kubectl(['delete', 'hstack/web', '--timeout=60s']);
    await s.stackGone(status.id ?? '');
  });
});

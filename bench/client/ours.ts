// Our client in the benchmark; see measure.ts for what its output means.
//
//   node ours.ts AUTH_URL WORK
import { createInterface } from 'node:readline/promises';
import { connect, type Orchestration, parseCloudsYaml } from '../../src/openstack/index.ts';
import type { Work } from './workloads.ts';

const WANTED = 'CREATE_COMPLETE';

const [authUrl = '', text = ''] = process.argv.slice(2);
const work = JSON.parse(text) as Work;
const clouds = { cloud: { auth: authOf(authUrl, work), region_name: 'RegionOne' } };
const connection = await connect(parseCloudsYaml(JSON.stringify({ clouds }), { cloudName: 'cloud' }));
const heat = connection.orchestration;
if (!heat) throw new Error('the catalog has no Heat');

process.stdout.write('idle\n');
const input = createInterface({ input: process.stdin });
await input.question('');
input.close();
await run(heat, work, work.warmUp);
const cpu = cpuMs();
const start = performance.now();
const read = await run(heat, work, work.count);
const result = {
  read,
  cpuMs: cpuMs() - cpu,
  wallMs: performance.now() - start,
  totalCpuMs: cpuMs(),
};
process.stdout.write(`${JSON.stringify(result)}\n`);
await connection.close();

function authOf(auth_url: string, { stacks }: Work) {
  return {
    auth_url,
    username: 'demo',
    password: 'secret',
    user_domain_name: 'Default',
    project_name: String(stacks),
    project_domain_name: 'Default',
  };
}

/** Makes `count` calls, or reads as many rows, and tells how many things in the wanted state came. */
function run(heat: Orchestration, work: Work, count: number): Promise<number> {
  const { id, name } = work;
  switch (work.kind) {
    case 'list':
      return list(heat, work, count);
    case 'get':
      return each(work, count, async () => ((await heat.getStack({ id, name })).status === WANTED ? 1 : 0));
    case 'resources':
      return each(work, count, async () => {
        let read = 0;
        for await (const resource of heat.resources({ id, name })) if (resource.status === WANTED) read += 1;
        return read;
      });
  }
}

async function list(heat: Orchestration, { pageSize }: Work, count: number): Promise<number> {
  let read = 0;
  let rows = 0;
  for await (const stack of heat.stacks({ limit: pageSize })) {
    if (stack.status === WANTED) read += 1;
    rows += 1;
    if (rows === count) break;
  }
  return read;
}

async function each({ concurrency }: Work, count: number, call: () => Promise<number>): Promise<number> {
  let next = 0;
  let read = 0;
  const worker = async (): Promise<void> => {
    while (next < count) {
      next += 1;
      const more = await call();
      read += more;
    }
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
  return read;
}

/** CPU time of this process in user and system mode, in milliseconds. */
function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

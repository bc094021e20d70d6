import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { RANDOM_STRING, scenario } from '../../support/scenario.ts';

const s = scenario('endpoints-proxy');
const VARIABLES = ['HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY'].flatMap((name) => [name, name.toLowerCase()]);
const before = { ...process.env };

let proxy: Server;
let calls = 0;

beforeAll(async () => {
  proxy = createServer((socket) => {
    calls += 1;
    socket.destroy();
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
});

afterAll(() => {
  process.env = before;
  proxy.close();
});

it('asks no proxy of the environment for an address on loopback', async () => {
  const address = proxy.address();
  const url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
  for (const name of VARIABLES) process.env[name] = url;
  process.env['NODE_USE_ENV_PROXY'] = '1';
  for (const name of ['NO_PROXY', 'no_proxy']) delete process.env[name];
  const operator = await s.startOperator();
  process.env = { ...before };

  await s.apply(s.namespace, { template: { inline: RANDOM_STRING } });
  await s.ready(s.namespace);
  await s.delete(s.namespace);
  await s.gone(s.namespace);
  expect(calls).toBe(0);
  await operator.stop();
});

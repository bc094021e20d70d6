import { afterEach, beforeEach, expect, it } from 'vitest';
import { type Connection, connect } from '../index.ts';
import { type MockCloud, startMockCloud } from '../mock/index.ts';

const template = 'heat_template_version: 2018-08-31';

let cloud: MockCloud;
let connection: Connection;
let refusal: Error | undefined;
let asked: number;
let sent: string[];

beforeEach(async () => {
  refusal = undefined;
  asked = 0;
  sent = [];
  cloud = await startMockCloud();
  connection = await connect(cloud.config(), {
    beforeWrite: () => {
      asked += 1;
      if (refusal) throw refusal;
    },
    onRequest: ({ method, status }) => sent.push(`${method} ${status}`),
  });
});
afterEach(async () => {
  await connection.close();
  await cloud.close();
});

it('asks before a write, and not before a sign-in or a read', async () => {
  await Array.fromAsync(connection.orchestration?.stacks() ?? []);
  await connection.reauthenticate();
  expect(asked).toBe(0);
  await connection.orchestration?.createStack({ name: 'a', template });
  expect(asked).toBe(1);
});

it('fails a write that may not begin with what it was told, unsent and untried again', async () => {
  refusal = new Error('the Lease is lost');
  await expect(connection.orchestration?.createStack({ name: 'a', template })).rejects.toBe(refusal);
  expect(asked).toBe(1);
  expect(await Array.fromAsync(connection.orchestration?.stacks() ?? [])).toEqual([]);
  refusal = undefined;
  await connection.orchestration?.createStack({ name: 'a', template });
});

it('asks again for the attempt after a refused token', async () => {
  cloud.failNext({ method: 'POST', status: 401 });
  await connection.orchestration?.createStack({ name: 'a', template });
  expect(asked).toBe(2);
  expect(sent).toEqual(['POST 201', 'POST 401', 'POST 201', 'POST 201']);
});

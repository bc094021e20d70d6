import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Reply } from '../../../src/openstack/testdata/fake-cloud.ts';
import { HostileCloud } from '../../support/hostile-cloud.ts';
import { eventually, type Operator, RANDOM_STRING, scenario } from '../../support/scenario.ts';

const s = scenario('endpoints-bodies');
/** What somebody else's server says, and nobody is to read in a status, an Event or a log. */
const CANARY = 'canary-of-another-service-51c7';

let operator: Operator;
const clouds: HostileCloud[] = [];

beforeAll(async () => {
  operator = await s.startOperator();
});

afterAll(async () => {
  await Promise.all(clouds.map((cloud) => cloud.stop()));
});

const STATUSES = [200, 302, 400, 401, 404, 503];

/** Bodies that neither Keystone nor Heat sends, with an answer's status. */
const BODIES: [what: string, body: (status: number) => unknown][] = [
  ['a page', () => `<html><title>${CANARY}</title></html>`],
  ['text', () => CANARY],
  ['a string', () => JSON.stringify(CANARY)],
  [
    "Kubernetes' status",
    (code) => ({
      kind: 'Status',
      apiVersion: 'v1',
      status: 'Failure',
      code,
      message: CANARY,
      reason: CANARY,
    }),
  ],
  ['credentials of a metadata service', () => ({ Code: 'Success', SecretAccessKey: CANARY, Token: CANARY })],
  ['an error with a message', () => ({ error: { message: CANARY } })],
  ["Google's error", (code) => ({ error: { code, message: CANARY, status: CANARY } })],
  ["OAuth's error", () => ({ error: CANARY, error_description: CANARY })],
  [
    "Keystone's for another status",
    (code) => ({ error: { code: code + 1, title: CANARY, message: CANARY } }),
  ],
  [
    "Heat's for another status",
    (code) => ({ code: code + 1, title: 'x', explanation: 'x', error: { type: CANARY, message: CANARY } }),
  ],
  ['lists for objects', () => ({ token: [CANARY], stack: [CANARY], stacks: CANARY })],
  ['a key that is the secret', () => ({ [CANARY]: CANARY, stack: { [CANARY]: CANARY, id: 7 } })],
];

const HEADERS = {
  'x-openstack-request-id': CANARY,
  'x-subject-token': 'token',
  'retry-after': '0',
  server: CANARY,
  location: `http://127.0.0.1:1/${CANARY}`,
  'www-authenticate': CANARY,
};

describe.concurrent('nothing is quoted of', () => {
  it.each(BODIES.map(([what, body], index) => [what, index, body] as const))(
    '%s',
    async (_what, index, body) => {
      for (const peer of ['keystone', 'heat'] as const) {
        const cloud = await new HostileCloud().start();
        clouds.push(cloud);
        const name = `${peer}-${index}`;
        const replies = STATUSES.map((status) => reply(status, body(status)));
        if (peer === 'keystone') cloud.tokenReplies.push(...replies);
        else for (const call of ['POST', 'GET']) cloud.on(`${call} /stacks`, ...replies);
        await s.writeSecret(name, { 'clouds.yaml': cloud.cloudsYaml() });
        await s.apply(name, {
          cloudCredentialsRef: { secretName: name, cloudName: 'demo' },
          template: { inline: RANDOM_STRING },
        });
        // Each look gets the next answer.
        await eventually(
          async () => {
            expect(JSON.stringify([await s.get(name), await s.events(name)])).not.toContain(CANARY);
            const asked = peer === 'keystone' ? cloud.tokens : cloud.seen.length;
            if (asked >= STATUSES.length) return true;
            await s.ask(name);
            return false;
          },
          () => `${name} was answered ${cloud.tokens} and ${cloud.seen.length} times`,
        );
        const object = await s.ask(name);
        expect(JSON.stringify([object, await s.events(name)])).not.toContain(CANARY);
        await s.patch(name, { spec: { managedOptions: { onDelete: 'detach' } } });
        await s.delete(name);
        await s.gone(name);
      }
    },
  );
});

it('nor is any of it logged', () => {
  expect(JSON.stringify(operator.log())).not.toContain(CANARY);
});

function reply(status: number, body: unknown): Reply {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const type = text.startsWith('<') ? 'text/html' : 'application/json';
  return (_seen, response) =>
    response.writeHead(status, { ...HEADERS, 'content-type': `${type}; ${CANARY}` }).end(text);
}

import { networkInterfaces } from 'node:os';
import { describe, expect, it, test, vi } from 'vitest';
import { EndpointPolicy, type EndpointRules } from './endpoint-policy.ts';

const PUBLIC = '203.0.113.10';
const names: Record<string, string[]> = {
  'keystone.example.com': [PUBLIC],
  'example.com': [PUBLIC],
  'inside.example.com': ['127.0.0.1'],
  'both.example.com': ['169.254.169.254', PUBLIC],
  localhost: ['::1', '127.0.0.1'],
  'api.cluster.example': ['198.51.100.6'],
};

function policy(rules: EndpointRules = {}) {
  const asked: string[] = [];
  const resolve = async (hostname: string) => {
    asked.push(hostname);
    const found = names[hostname];
    if (!found) throw Object.assign(new Error(hostname), { code: 'ENOTFOUND' });
    return found.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
  };
  const it = new EndpointPolicy(rules, resolve);
  return {
    asked,
    at: async (hostname: string, port = 5000) =>
      (await it.addressesOf(hostname, port)).map(({ address }) => address),
  };
}

const refused = { code: 'EndpointRefused', notSent: true, retryable: false };

describe('without rules', () => {
  it.each([
    PUBLIC,
    '10.0.0.1',
    '192.168.1.1',
    '2001:db8::1',
    'fd00::1',
    '64:ff9b::cb00:710a',
    '::ffff:203.0.113.10',
  ])('%s is allowed', async (address) => {
    expect(await policy().at(address)).toEqual([address]);
  });

  it.each([
    '127.0.0.1',
    '127.1.2.3',
    '0.0.0.0',
    '0.1.2.3',
    '169.254.169.254',
    '224.0.0.1',
    '255.255.255.255',
    '100.100.100.200',
    '168.63.129.16',
    '192.0.0.192',
    '::',
    '::1',
    '::7f00:1',
    '::ffff:127.0.0.1',
    '::ffff:a9fe:a9fe',
    '0:0:0:0:0:ffff:169.254.169.254',
    'fe80::1',
    'fe80::1%eth0',
    'FE80::1',
    'fec0::1',
    'ff02::1',
    '64:ff9b::7f00:1',
    '64:ff9b::169.254.169.254',
    '64:ff9b:1::a9fe:a9fe',
    '2002:7f00:1::',
    '2001:0:7f00:1::1',
    'fd00:ec2::254',
    'fd20:ce::254',
    '::ffff:0:127.0.0.1',
    'fd00:ec2::23',
    'fd00:c1::a9fe:a9fe',
    'fd00:42::42',
    '192.80.8.124',
    'localhost',
    'localhost.',
    'LOCALHOST',
    'inside.example.com',
  ])('%s is refused', async (host) => {
    await expect(policy().at(host)).rejects.toMatchObject(refused);
  });

  it("this machine's other addresses are refused", async () => {
    const own = Object.values(networkInterfaces()).flatMap((each) => each ?? []);
    expect(own).not.toEqual([]);
    for (const { address } of own) await expect(policy().at(address)).rejects.toMatchObject(refused);
    const other = own.find(({ internal }) => !internal)?.address;
    if (other) expect(await policy({ allowed: [other] }).at(other)).toEqual([other]);
  });

  it('of several addresses only those are used that are allowed', async () => {
    expect(await policy().at('both.example.com')).toEqual([PUBLIC]);
  });

  it('says what DNS says of an unknown name', async () => {
    await expect(policy().at('nosuch.example.com')).rejects.toMatchObject({ code: 'ENOTFOUND' });
  });

  it('asks anew each time, so that a name that leads elsewhere now is refused', async () => {
    const answers = [PUBLIC, '127.0.0.1'];
    const it = new EndpointPolicy({}, async () => [{ address: answers.shift() ?? '', family: 4 }]);
    expect(await it.addressesOf('rebind.example.com', 443)).toHaveLength(1);
    await expect(it.addressesOf('rebind.example.com', 443)).rejects.toMatchObject(refused);
  });
});

describe('allowed endpoints', () => {
  test.each<[string, string[]]>([
    ['keystone.example.com', ['keystone.example.com']],
    ['keystone.example.com', ['KEYSTONE.example.com.']],
    ['keystone.example.com.', ['*.example.com']],
    ['keystone.example.com', ['*']],
    ['keystone.example.com', ['203.0.113.0/24']],
    [PUBLIC, [PUBLIC]],
    [PUBLIC, ['*']],
    ['inside.example.com', ['127.0.0.1']],
    ['127.0.0.1', ['*', '127.0.0.0/8']],
    ['::ffff:127.0.0.1', ['127.0.0.1']],
    ['2001:db8::1', ['2001:db8::/32']],
    ['64:ff9b::cb00:710a', ['64:ff9b::/96']],
    ['64:ff9b::cb00:710a', [PUBLIC]],
    ['64:ff9b::7f00:1', ['127.0.0.1']],
  ])('%s is allowed by %j', async (host, allowed) => {
    expect(await policy({ allowed }).at(host)).not.toEqual([]);
  });

  test.each<[string, string[]]>([
    ['keystone.example.com', ['heat.example.com']],
    ['example.com', ['*.example.com']],
    ['keystone.example.com', ['198.51.100.0/24']],
    ['keystone.example.com', ['example.com']],
    [PUBLIC, ['*.example.com']],
    // What a name leads to is decided by whoever owns it.
    ['inside.example.com', ['*.example.com']],
    ['inside.example.com', ['inside.example.com']],
    ['127.0.0.1', ['*']],
    ['127.0.0.2', ['127.0.0.1']],
    ['64:ff9b::7f00:1', ['64:ff9b::/96']],
    ['::ffff:1:2:3:cb00:710a', [PUBLIC]],
  ])('%s is refused with %j', async (host, allowed) => {
    await expect(policy({ allowed }).at(host)).rejects.toMatchObject(refused);
  });

  it('are told apart from addresses that are never good', async () => {
    const { at } = policy({ allowed: ['*.example.com'] });
    await expect(at('keystone.example.org')).rejects.toThrow(/isn't among the allowed endpoints/);
    await expect(at('inside.example.com')).rejects.toThrow(/loopback/);
  });

  it('are compared before DNS is asked', async () => {
    const it = policy({ allowed: ['*.example.com'] });
    await expect(it.at('data.attacker.example')).rejects.toMatchObject(refused);
    expect(it.asked).toEqual([]);
  });
});

it('looks a name up once for all that ask meanwhile, since a look-up that hangs takes a thread', async () => {
  const { promise, resolve } = Promise.withResolvers<{ address: string; family: number }[]>();
  let lookups = 0;
  const it = new EndpointPolicy({}, () => {
    lookups += 1;
    return promise;
  });
  const both = [it.addressesOf('slow.example.com', 443), it.addressesOf('SLOW.example.com.', 80)];
  resolve([{ address: PUBLIC, family: 4 }]);
  expect(await Promise.all(both)).toHaveLength(2);
  expect(lookups).toBe(1);
  await it.addressesOf('slow.example.com', 443);
  expect(lookups).toBe(2);
});

it('while many names hang, looks up only those that did not hang before', async () => {
  vi.useFakeTimers();
  try {
    const hanging: (() => void)[] = [];
    const it = new EndpointPolicy({}, async (name) => {
      if (name.startsWith('slow')) await new Promise<void>((resolve) => hanging.push(resolve));
      return [{ address: PUBLIC, family: 4 }];
    });
    const ask = (name: string) => it.addressesOf(`${name}.example.com`, 443);
    const endAll = () => hanging.splice(0).forEach((end) => void end());
    const once = ask('slow');
    await vi.advanceTimersByTimeAsync(1_000);
    endAll();
    await once;

    const others = Array.from({ length: 8 }, (_, index) => ask(`slow${index}`));
    await vi.advanceTimersByTimeAsync(1_000);
    await expect(ask('slow')).rejects.toMatchObject({ code: 'EAI_AGAIN' });
    expect(await ask('fast')).toHaveLength(1);
    const other = ask('slow8');
    await vi.advanceTimersByTimeAsync(1_000);
    endAll();
    await Promise.all([...others, other]);
    const again = ask('slow');
    endAll();
    await again;
  } finally {
    vi.useRealTimers();
  }
});

describe('refused endpoints', () => {
  it('win over allowed ones', async () => {
    const it = policy({ allowed: ['203.0.113.0/24', 'keystone.example.com'], refused: [PUBLIC] });
    await expect(it.at('keystone.example.com')).rejects.toMatchObject(refused);
    expect(await it.at('203.0.113.11')).toEqual(['203.0.113.11']);
  });
});

describe("the process's own servers", () => {
  const own = ['https://198.51.100.6:6443', 'https://api.cluster.example'];

  it.each([6443, 443, 2379])('are refused at port %i', async (port) => {
    const it = policy({ own });
    await expect(it.at('198.51.100.6', port)).rejects.toMatchObject(refused);
    await expect(it.at('::ffff:198.51.100.6', port)).rejects.toMatchObject(refused);
    await expect(it.at('api.cluster.example', port)).rejects.toMatchObject(refused);
  });

  it('that can not be found keep all clouds away, and the error tells why', async () => {
    const it = policy({ own: ['https://nosuch.cluster.example'] });
    await expect(it.at(PUBLIC)).rejects.toMatchObject({
      code: 'ConnectionFailed',
      message: expect.stringContaining('the address of nosuch.cluster.example'),
    });
  });

  it('have other ports when their address is allowed, never their own', async () => {
    const it = policy({ own, allowed: ['198.51.100.6'] });
    expect(await it.at('198.51.100.6', 5000)).toEqual(['198.51.100.6']);
    await expect(it.at('198.51.100.6', 6443)).rejects.toMatchObject(refused);
    await expect(it.at('api.cluster.example', 443)).rejects.toMatchObject(refused);
  });
});

describe('a rule that can not be read is told', () => {
  test.each([
    [{ allowed: ['https://keystone.example.com'] }, 'allowed endpoint "https://keystone.example.com"'],
    [{ allowed: ['keystone.example.com:5000'] }, 'allowed endpoint "keystone.example.com:5000"'],
    [{ allowed: ['key*.example.com'] }, 'allowed endpoint "key*.example.com"'],
    [{ allowed: ['a/b'] }, 'allowed endpoint "a/b"'],
    [{ allowed: ['10.0.0.0/33'] }, 'allowed endpoint "10.0.0.0/33"'],
    [{ allowed: ['0.0.0.0/0'] }, 'allowed endpoint "0.0.0.0/0" would be every address'],
    [{ allowed: ['::/0'] }, 'allowed endpoint "::/0" would be every address'],
    [{ allowed: ['.example.com'] }, 'allowed endpoint ".example.com"'],
    [{ allowed: ['010.0.0.1'] }, 'allowed endpoint "010.0.0.1"'],
    [{ allowed: ['1.2.3'] }, 'allowed endpoint "1.2.3"'],
    [{ allowed: ['10.0.0.0/08'] }, 'allowed endpoint "10.0.0.0/08"'],
    [{ allowed: ['fe80::1%eth0'] }, 'allowed endpoint "fe80::1%eth0"'],
    [{ refused: ['10.0.0.0/'] }, 'refused endpoint "10.0.0.0/"'],
    [{ refused: ['keystone.example.com'] }, 'refused endpoint "keystone.example.com"'],
  ])('%j', (rules, message) => {
    expect(() => new EndpointPolicy(rules)).toThrow(message);
  });
});

describe('behind a proxy', () => {
  const failing = (code: string, rules: EndpointRules = {}) =>
    new EndpointPolicy(rules, () => Promise.reject(Object.assign(new Error(code), { code })));

  it('a name that is not known here must be allowed by name', async () => {
    const error = { ...refused, message: expect.stringContaining("a.example isn't known here") };
    await expect(failing('ENOTFOUND').permitProxied('a.example', 443)).rejects.toMatchObject(error);
    const network = { allowed: ['192.0.2.0/24'] };
    await expect(failing('ENOTFOUND', network).permitProxied('a.example', 443)).rejects.toMatchObject(error);
    for (const rule of ['a.example', '*.example', '*'])
      await failing('ENOTFOUND', { allowed: [rule] }).permitProxied('a.example', 443);
  });

  it('a DNS that does not answer is no refusal, which nobody would try again', async () => {
    await expect(failing('EAI_AGAIN').permitProxied('a.example', 443)).rejects.toMatchObject({
      code: 'EAI_AGAIN',
    });
  });
});

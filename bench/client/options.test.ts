import { describe, expect, it } from 'vitest';
import { parseOptions } from './options.ts';

describe('options of the client benchmark', () => {
  it('measures everything by default, but not our client twice', () => {
    const { rounds, workloads, clients, json } = parseOptions([]);
    expect(rounds).toBe(3);
    expect(workloads.map(({ name }) => name)).toEqual([
      'list',
      'get',
      'get-50',
      'get-long',
      'resources',
      'stream',
    ]);
    expect(clients).toEqual(['ours', 'gophercloud', 'openstacksdk']);
    expect(json).toBeUndefined();
  });

  it('measures what is named, in its own order', () => {
    const options = parseOptions(['--only', 'get-50,list', '--clients', 'gophercloud,ours', '--rounds', '7']);
    expect(options.workloads.map(({ name }) => name)).toEqual(['list', 'get-50']);
    expect(options.clients).toEqual(['ours', 'gophercloud']);
    expect(options.rounds).toBe(7);
  });

  it.each([
    [['--rounds', '0'], '--rounds must be a whole number from 1 to 100, not "0"'],
    [['--rounds', '1e1'], '--rounds must be a whole number from 1 to 100, not "1e1"'],
    [
      ['--only', 'put'],
      '--only doesn\'t know "put"; it can be list, get, get-50, get-long, resources, stream',
    ],
    [['--clients', ''], '--clients doesn\'t know ""; it can be ours, bundled, gophercloud, openstacksdk'],
    [['--fast'], '--help shows the options'],
  ])('refuses %j and says what is possible', (args, message) => {
    expect(() => parseOptions(args)).toThrow(message);
  });
});

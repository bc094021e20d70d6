import { setImmediate } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { inBackground } from '../background.ts';
import { LogScope } from './log-scope.ts';
import { memoryLogger } from './testing/memory-logger.ts';

test('lines of others have the fields of the run that they belong to', async () => {
  const { logger, lines } = memoryLogger();
  const logs = new LogScope(logger);
  const work = async (run: string) => {
    logs.debug({}, `${run} begins`);
    await setImmediate();
    logs.add({ cloud: run });
    await setImmediate();
    logs.debug({}, `${run} ends`);
    await inBackground(async () => logs.debug({}, 'shared'));
  };
  await Promise.all(['a', 'b'].map((run) => logs.run({ run }, () => work(run))));
  logs.add({ run: 'none' });
  logs.debug({}, 'outside');
  expect(lines.map(({ msg, run, cloud }) => ({ msg, run, cloud }))).toEqual([
    { msg: 'a begins', run: 'a', cloud: undefined },
    { msg: 'b begins', run: 'b', cloud: undefined },
    { msg: 'a ends', run: 'a', cloud: 'a' },
    { msg: 'shared', run: undefined, cloud: undefined },
    { msg: 'b ends', run: 'b', cloud: 'b' },
    { msg: 'shared', run: undefined, cloud: undefined },
    { msg: 'outside', run: undefined, cloud: undefined },
  ]);
});

test('a changed level is that of the next run', () => {
  const { logger, lines } = memoryLogger();
  const logs = new LogScope(logger);
  logger.level = 'info';
  logs.run({}, () => logs.debug({}, 'not this'));
  logger.level = 'debug';
  logs.run({}, () => logs.debug({}, 'this'));
  expect(lines.map(({ msg }) => msg)).toEqual(['this']);
});

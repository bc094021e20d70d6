/** Makes one call from a process of its own, and prints how it ended and how many MiB of memory it took at most. */
import { ByteBudget, type CloudConfig, connect, isOpenStackError } from '../index.ts';
import { heatOf } from './fake-cloud.ts';

const [, , config = '', name] = process.argv;
const MIB = 1024 * 1024;
const connection = await connect(JSON.parse(config) as CloudConfig, { budget: new ByteBudget(1024 * MIB) });
const heat = heatOf(connection);
const { rss } = process.memoryUsage();
const call = name === 'list' ? Array.fromAsync(heat.stacks()) : heat.getStack({ name: 'a', id: '1' });
const end = await call.then(
  () => 'ok',
  (error: unknown) => (isOpenStackError(error) ? error.code : String(error)),
);
const grownMiB = process.resourceUsage().maxRSS / 1024 - rss / MIB;
console.log(JSON.stringify({ end, grownMiB: Math.round(grownMiB) }));
await connection.close();

import { writeFile } from 'node:fs/promises';
import { availableParallelism, cpus, totalmem } from 'node:os';
import { messageOf, TestbedError } from '../test/testbed/errors.ts';

/** What was measured on, for people. */
export function machine(): string {
  const memory = (totalmem() / 1024 ** 3).toFixed(0);
  return `${availableParallelism()} cores of ${cpus()[0]?.model ?? 'an unknown CPU'}, ${memory} GiB, ${process.platform}, Node ${process.versions.node}`;
}

/** Writes results as JSON. */
export async function writeJson(file: string, content: object): Promise<void> {
  await writeFile(file, `${JSON.stringify(content, null, 2)}\n`).catch((error: unknown) => {
    throw new TestbedError(`can't write ${file}: ${messageOf(error)}`);
  });
}

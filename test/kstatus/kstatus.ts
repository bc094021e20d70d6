import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import * as v from 'valibot';
import type { Cache } from '../testbed/cache.ts';
import { goPrograms } from '../testbed/go-programs.ts';

const verdictSchema = v.object({
  status: v.picklist(['Current', 'InProgress', 'Failed', 'Terminating', 'Unknown']),
  message: v.string(),
});

/** What kstatus says of an object; Unknown: that it can't read it. */
export type Verdict = v.InferOutput<typeof verdictSchema>;

/** Path of the program that judges by kstatus' own library, built into the cache if missing. */
export async function kstatusProgram(cache: Cache): Promise<string> {
  const folder = await goPrograms(cache, {
    name: 'kstatus',
    // go.mod names the versions of kube-apiserver's modules, so that most of it is compiled already.
    module: import.meta.dirname,
    what: 'kstatus',
    duration: 'a minute',
  });
  return join(folder, 'kstatus');
}

/**
 * Asks kstatus about objects.
 *
 * @param program from {@link kstatusProgram}
 * @returns a verdict for each object, in their order
 */
export async function askKstatus(program: string, objects: readonly unknown[]): Promise<Verdict[]> {
  const child = spawn(program, [], { stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = once(child, 'close');
  // How it ended tells more than that it read no more.
  child.stdin.on('error', () => undefined);
  child.stdin.end(objects.map((object) => `${JSON.stringify(object)}\n`).join(''));
  const lines = (await text(child.stdout)).split('\n').filter(Boolean);
  const [code] = (await ended) as [number | null];
  if (code !== 0 || lines.length !== objects.length) {
    throw new Error(`kstatus ended with ${code} after ${lines.length} of ${objects.length} objects`);
  }
  return lines.map((line) => v.parse(verdictSchema, JSON.parse(line)));
}

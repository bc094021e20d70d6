import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';

/** How a program ended and what it printed. */
export interface Ended {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** Runs a program to its end, with a text as its standard input. */
export async function run(program: string, args: readonly string[], input = ''): Promise<Ended> {
  const child = spawn(program, args, { stdio: 'pipe' });
  const closed = once(child, 'close');
  // How it ended tells more than that it read no more.
  child.stdin.on('error', () => undefined);
  child.stdin.end(input);
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  const [code] = (await closed) as [number | null];
  return { code, stdout, stderr };
}

/**
 * Has a program say something of each object.
 *
 * @returns what it says, a value of JSON for each object, in their order
 * @throws Error when it doesn't end well
 */
export async function askOf(
  program: string,
  args: readonly string[],
  objects: readonly unknown[],
): Promise<unknown[]> {
  const input = objects.map((object) => `${JSON.stringify(object)}\n`).join('');
  const { code, stdout, stderr } = await run(program, args, input);
  const lines = stdout.split('\n').filter(Boolean);
  if (code !== 0 || lines.length !== objects.length) {
    throw new Error(`${program} ended with ${code} after ${lines.length} of ${objects.length}: ${stderr}`);
  }
  return lines.map((line): unknown => JSON.parse(line));
}

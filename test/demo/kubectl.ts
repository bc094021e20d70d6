import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { DemoError } from './errors.ts';

const run = promisify(execFile);
const MAX_OUTPUT_BYTES = 16 * 1024 * 1024;

/** Runs kubectl and answers what it prints. Throws a DemoError with its complaint. */
export type Kubectl = (args: string[]) => Promise<string>;

/**
 * kubectl on the test bed's cluster.
 *
 * @param root folder that file names are relative to
 */
export function kubectlFor(
  program: string,
  { kubeconfig, root, signal }: { kubeconfig: string; root: string; signal: AbortSignal },
): Kubectl {
  return async (args) => {
    try {
      const { stdout } = await run(program, args, {
        cwd: root,
        env: { ...process.env, KUBECONFIG: kubeconfig },
        maxBuffer: MAX_OUTPUT_BYTES,
        signal,
      });
      return stdout.trimEnd();
    } catch (error) {
      signal.throwIfAborted();
      const complaint = error instanceof Error && 'stderr' in error ? String(error.stderr).trim() : '';
      throw new DemoError(
        `kubectl ${args.join(' ')}: ${complaint.replace(/\s*\n\s*/g, ' ') || String(error)}`,
      );
    }
  };
}

/** How many resources of a status are shown before the rest is cut. */
const SHOWN_RESOURCES = 3;

/**
 * What `kubectl describe` printed, without the spec, which is the manifest once more, and with the first resources
 * only. A line says what was left out.
 */
export function shortenDescription(text: string, omitted: (text: string) => string): string[] {
  const shown: string[] = [];
  let hidden = 0;
  let part: 'spec' | 'resources' | undefined;
  let resources = 0;
  const flush = (what: string): void => {
    if (hidden > 0) shown.push(omitted(`${what} (${hidden} more lines)`));
    hidden = 0;
    part = undefined;
  };
  for (const line of text.split('\n')) {
    if (part === 'spec' && line.startsWith('Status:')) flush('  … the manifest');
    // Attributes of a resource stand deeper than the status' own.
    if (part === 'resources' && !line.startsWith('   ')) flush('    … the other resources');
    if (part === 'resources' && line.startsWith('    Name:')) resources += 1;
    if (part === 'spec' || (part === 'resources' && resources > SHOWN_RESOURCES)) hidden += 1;
    else shown.push(line);
    if (line === 'Spec:') part = 'spec';
    if (part === undefined && line.trimEnd() === '  Resources:') part = 'resources';
  }
  flush('  …');
  return shown;
}

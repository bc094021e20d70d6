import { execFile } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Cache } from './cache.ts';
import { TestbedError } from './errors.ts';
import { step } from './progress.ts';
import { runTool } from './tool.ts';
import { atLeast } from './version.ts';

const MINIMUM_GO = '1.26';

/** What to do when modules can't be had. */
export const GO_MODULES_CURE =
  'if it is about downloading, check that the Go module proxy can be reached (go env GOPROXY), then start again';

/**
 * Checks that a Go that is new enough is on PATH.
 *
 * @param what is to be had with it
 * @param otherwise what can be done instead of installing it: `, or …`
 */
export async function checkGo(what: string, otherwise = ''): Promise<void> {
  const cure = `install Go ${MINIMUM_GO} or newer (https://go.dev/dl)${otherwise}`;
  const answer = await promisify(execFile)('go', ['version'], {
    env: { ...process.env, GOTOOLCHAIN: 'local' },
  }).catch(() => undefined);
  if (answer === undefined)
    throw new TestbedError(`Go isn't on PATH, and ${what} can't be had without it: ${cure}`);
  if (!atLeast(answer.stdout, MINIMUM_GO)) {
    throw new TestbedError(`Go is too old for ${what} (${answer.stdout.trim()}): ${cure}`);
  }
}

export interface GoBuild {
  /** What is built, for people. */
  title: string;
  /** The folder of the cache that is filled: programs go to its `bin`. */
  target: string;
  /** Folder of the module. */
  module: string;
  ldflags: string;
  /** Build tags, with commas between. */
  tags?: string;
  packages: string[];
}

/** Builds programs of a Go module, visibly. */
export async function goBuild(
  cache: Cache,
  { title, target, module, ldflags, tags = '', packages }: GoBuild,
): Promise<void> {
  const temporary = join(target, 'tmp'); // inside the target, so that an interrupted build leaves nothing elsewhere
  await mkdir(temporary, { recursive: true });
  let compiled = 0;
  await step(cache.log, title, (note) =>
    runTool({
      python: cache.python,
      command: 'go',
      args: [
        'build',
        '-v',
        '-mod=readonly',
        '-buildvcs=false',
        '-trimpath',
        '-ldflags',
        ldflags,
        '-tags',
        tags,
        '-o',
        `${join(target, 'bin')}/`,
        ...packages,
      ],
      cwd: module,
      env: { GOWORK: 'off', GOTMPDIR: temporary },
      logFile: `${target}.log`,
      cure: GO_MODULES_CURE,
      onLine: (line) => {
        if (line.startsWith('go: downloading')) note(line.slice('go: '.length));
        else note(`${++compiled} packages compiled, now ${line}`);
      },
      signal: cache.signal,
    }),
  );
}

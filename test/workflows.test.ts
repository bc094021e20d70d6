/** The workflows of the public host: nothing there can be run here, so they are held against rules. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const FOLDER = join(ROOT, '.github/workflows');
const SCRIPTS = (JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { scripts: object }).scripts;

const stepSchema = v.looseObject({
  uses: v.optional(v.string()),
  run: v.optional(v.string()),
  with: v.optional(v.record(v.string(), v.unknown())),
});

/** What the rules are about; `permissions: {}` at the top means none, and each job says its own. */
const workflowSchema = v.looseObject({
  name: v.string(),
  permissions: v.strictObject({}),
  concurrency: v.looseObject({ group: v.string() }),
  jobs: v.record(
    v.string(),
    v.looseObject({
      'runs-on': v.literal('ubuntu-24.04'),
      'timeout-minutes': v.number(),
      permissions: v.record(v.string(), v.picklist(['read', 'write'])),
      environment: v.optional(v.string()),
      needs: v.optional(v.union([v.string(), v.array(v.string())])),
      steps: v.array(stepSchema),
    }),
  ),
});

describe.each(readdirSync(FOLDER))('the workflow %s', (name) => {
  const text = readFileSync(join(FOLDER, name), 'utf8');
  const workflow = v.parse(workflowSchema, parse(text));
  const jobs = Object.entries(workflow.jobs);
  const steps = jobs.flatMap(([, job]) => job.steps);
  const commands = steps.flatMap(({ run }) => (run === undefined ? [] : [run]));

  it('names actions by a commit, and says which version that is', () => {
    const uses = [...text.matchAll(/uses: (.*)/g)].map(([, what = '']) => what);
    expect(uses.length).toBeGreaterThan(4);
    expect(uses.filter((what) => !/^[\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/.test(what))).toEqual([]);
    const known = new Map<string, string>();
    for (const what of uses) {
      const [action = '', commit = ''] = what.split('@');
      expect(known.get(action) ?? commit).toBe(commit);
      known.set(action, commit);
    }
  });

  it('leaves no credentials behind where code of the repository runs', () => {
    const checkouts = steps.filter(({ uses }) => uses?.startsWith('actions/checkout@'));
    expect(checkouts.length).toBe(jobs.length);
    expect(checkouts.filter((step) => step.with?.['persist-credentials'] !== false)).toEqual([]);
  });

  it('lets a job write only with the consent that the environment asks for', () => {
    const writers = jobs.filter(([, { permissions }]) => Object.values(permissions).includes('write'));
    expect(writers.filter(([, { environment }]) => environment !== 'release')).toEqual([]);
  });

  it('publishes nothing that another run left in a cache', () => {
    if (jobs.every(([, { environment }]) => environment === undefined)) return;
    const setsUp = steps.filter(({ uses }) => uses?.startsWith('actions/setup-node@'));
    expect(setsUp.length).toBeGreaterThan(0);
    expect(setsUp.filter((step) => step.with?.['package-manager-cache'] !== false)).toEqual([]);
    expect(steps.filter(({ uses }) => /^actions\/(cache|setup-go)\b/.test(uses ?? ''))).toEqual([]);
  });

  it('puts nothing that others choose into a script', () => {
    expect(commands.filter((command) => command.includes('${{'))).toEqual([]);
    expect(text).not.toContain('pull_request_target');
    const secrets = [...text.matchAll(/secrets\.(\w+)/g)].map(([, secret]) => secret);
    expect(secrets.filter((secret) => secret !== 'GITHUB_TOKEN')).toEqual([]);
  });

  it('waits only for jobs that are there', () => {
    const needed = jobs.flatMap(([, { needs = [] }]) => needs);
    expect(needed.filter((job) => !(job in workflow.jobs))).toEqual([]);
  });

  it('runs only scripts and files that are there', () => {
    const all = commands.join('\n');
    const scripts = [...all.matchAll(/npm (?:run (?:--silent )?)?([\w:]+)/g)].map(
      ([, script = '']) => script,
    );
    const own = ['ci', 'pkg', 'publish', 'sbom'];
    expect(scripts.length).toBeGreaterThan(1);
    expect(scripts.filter((script) => !own.includes(script) && !(script in SCRIPTS))).toEqual([]);
    const files = [...text.matchAll(/(?<![\w/.-])(?:deploy|crds)\/[\w./*-]+/g)].map(([file]) => file);
    const missing = files.filter((file) => !existsSync(join(ROOT, file.replace(/\/\*.*$/, ''))));
    expect(missing).toEqual([]);
  });
});

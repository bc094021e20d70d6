import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { BedInfo } from './scenario.ts';

const run = promisify(execFile);

/** The value of hidden parameters in scenarios; it stands in Secrets and nowhere else. */
export const HIDDEN_VALUE = 'hidden-canary-7f3a91c2';
/** The same for parameters that are numbers. */
export const HIDDEN_NUMBER = '7391846205';

/**
 * What must not be found outside Secrets: the clouds' passwords, Keystone's (Fernet) tokens, a hidden parameter, a
 * ServiceAccount's token (JWT).
 */
const SECRETS: [what: string, pattern: RegExp][] = [
  ['a password of the cloud', /\b(demo|alice|admin)-pw\b/],
  ['a token', /gAAAA[A-Za-z0-9_-]{20,}/],
  ["a ServiceAccount's token", /\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10,}/],
  ['the value of a hidden parameter', new RegExp(`${HIDDEN_VALUE}|${HIDDEN_NUMBER}`)],
  ['the value of a hidden parameter in base64', new RegExp(inBase64(HIDDEN_VALUE).join('|'))],
];

/** One line for each place of a text where a secret was found: its line and what it is. */
export function findSecretsIn(text: string): string[] {
  return text.split('\n').flatMap((line, index) => {
    const found = SECRETS.filter(([, pattern]) => pattern.test(line));
    return found.map(([what]) => `${index + 1}: ${what}`);
  });
}

/** What all base64 with the value in it has in common, whatever stands before and after. */
function inBase64(value: string): string[] {
  return [0, 1, 2].map((before) =>
    Buffer.from(`${'~'.repeat(before)}${value}`)
      .toString('base64')
      .slice(Math.ceil((before * 4) / 3), -4),
  );
}

/**
 * Searches the logs and objects that scenarios left, and all objects of the cluster but Secrets.
 *
 * @param kinds of objects that the cluster has
 * @returns one line for each place where a secret was found, without the secret
 */
export async function findSecrets(
  { artifacts, kubectl, kubeconfig }: BedInfo & { artifacts: string },
  kinds = 'heatstacks,events,configmaps',
): Promise<string[]> {
  const found: string[] = [];
  const search = (where: string, text: string): void => {
    found.push(...findSecretsIn(text).map((place) => `${where}:${place}`));
  };
  for (const entry of await readdir(artifacts, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isFile() && /\.(log|yaml|jsonl?)$/.test(entry.name)) search(path, await readFile(path, 'utf8'));
  }
  const everything = ['get', kinds, '--all-namespaces', '--show-managed-fields', '-o', 'yaml'];
  const { stdout } = await run(kubectl, ['--kubeconfig', kubeconfig, ...everything], {
    maxBuffer: 512 * 1024 * 1024,
  });
  search('kubectl get', stdout);
  return found;
}

import { readFileSync } from 'node:fs';
import { parse, stringify } from 'yaml';
import { bed } from './scenario.ts';

/** Settings of a cloud in a clouds.yaml. */
export interface CloudSettings {
  auth?: Record<string, string>;
  [setting: string]: unknown;
}

/**
 * The test bed's clouds.yaml with other settings for the cloud "demo".
 *
 * @param changes replace what is there; members of `auth` one by one
 */
export function cloudsYaml(changes: CloudSettings): string {
  const { clouds } = parse(readFileSync(bed().clouds, 'utf8')) as { clouds: Record<string, CloudSettings> };
  const demo = clouds['demo'];
  return stringify({
    clouds: { ...clouds, demo: { ...demo, ...changes, auth: { ...demo?.auth, ...changes.auth } } },
  });
}

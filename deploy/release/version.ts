/** The version of a release: where it is written, and what a release changes in the sources. */

/** Files of the repository by their paths in it. */
export type Files = Record<string, string>;

/** Where the version is written by hand; all other places are generated, or read package.json. */
const PLACES: readonly (readonly [file: string, version: RegExp])[] = [
  ['package.json', /(?<=^ {2}"version": ")[^"]+/m],
  ['package-lock.json', /(?<=^ {2}"version": ")[^"]+/m],
  ['package-lock.json', /(?<=^ {6}"name": "heatstack-operator",\n {6}"version": ")[^"]+/m],
  ['deploy/helm/heatstack-operator/Chart.yaml', /(?<=^version: ).+/m],
  ['deploy/helm/heatstack-operator/Chart.yaml', /(?<=^appVersion: ).+/m],
  ['deploy/docker/Dockerfile', /(?<=^ARG VERSION=).+/m],
  ['deploy/kustomize/overlays/example/kustomization.yaml', /(?<=newTag: ).+/],
];

export const CHANGELOG = 'docs/changelog.md';
const UNRELEASED = '## Unreleased\n';

/** The files that {@link release} and {@link problemsOf} look at. */
export const FILES: readonly string[] = [...new Set([...PLACES.map(([file]) => file), CHANGELOG])];

/** A version as npm, Helm and a registry all take it; no build metadata, for a tag of an image can't have it. */
const VERSION = /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?$/;

function versionAt(files: Files, file: string, pattern: RegExp): string {
  const found = pattern.exec(files[file] ?? '')?.[0];
  if (found === undefined) throw new Error(`${file} has lost its version`);
  return found;
}

/** The lines of the changelog about a version, without its heading; undefined when it has none. */
export function notesOf(files: Files, version: string): string | undefined {
  const sections = (files[CHANGELOG] ?? '').split(/^(?=## )/m);
  const section = sections.find((each) => each.startsWith(`## ${version} (`));
  return section?.replace(/^.*\n/, '').trim();
}

/**
 * What is wrong with the version, a line each.
 *
 * @param tag the tag of the release, `v` and the version; without it only that all places agree
 */
export function problemsOf(files: Files, tag?: string): string[] {
  const version = versionAt(files, 'package.json', /(?<=^ {2}"version": ")[^"]+/m);
  const problems = PLACES.flatMap(([file, pattern]) => {
    const found = versionAt(files, file, pattern);
    return found === version ? [] : [`${file} says ${found}, and package.json ${version}`];
  });
  if (!files[CHANGELOG]?.includes(UNRELEASED)) problems.push(`${CHANGELOG} has no section "Unreleased"`);
  if (tag === undefined) return problems;
  if (tag !== `v${version}`) problems.push(`the tag is ${tag}, and the version ${version}`);
  if (!notesOf(files, version)) problems.push(`${CHANGELOG} says nothing of ${version}`);
  return problems;
}

/**
 * The files as a release has them: the version in all places, and what was unreleased under its heading.
 *
 * @param date the day, as in 2026-11-27
 * @throws Error when it is no version, was released before, or nothing is said of it
 */
export function release(files: Files, version: string, date: string): Files {
  if (!VERSION.test(version))
    throw new Error(`"${version}" is no version: write it as in 0.2.0 or 0.2.0-rc.1`);
  if (notesOf(files, version) !== undefined) throw new Error(`${CHANGELOG} has ${version} already`);
  const [before, after, ...more] = (files[CHANGELOG] ?? '').split(UNRELEASED);
  if (before === undefined || after === undefined || more.length > 0) {
    throw new Error(`${CHANGELOG} has not exactly one section "Unreleased"`);
  }
  if (after.split(/^## /m)[0]?.trim() === '') throw new Error(`${CHANGELOG} says nothing under "Unreleased"`);
  const changed: Files = {
    ...files,
    [CHANGELOG]: `${before}${UNRELEASED}\n## ${version} (${date})\n${after}`,
  };
  for (const [file, pattern] of PLACES) {
    versionAt(changed, file, pattern);
    changed[file] = (changed[file] ?? '').replace(pattern, version);
  }
  return changed;
}

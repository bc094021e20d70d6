/** The first dotted number in a text, as in `go version go1.26.8 linux/amd64`: [1, 26, 8]. */
export function parseVersion(text: string): number[] | undefined {
  return /\d+(?:\.\d+)+/.exec(text)?.[0].split('.').map(Number);
}

/** Whether the first version in `text` is `minimum` or newer; false when there is none. */
export function atLeast(text: string, minimum: string): boolean {
  const have = parseVersion(text);
  const want = parseVersion(minimum);
  if (have === undefined || want === undefined) return false;
  for (const [index, part] of want.entries()) {
    const difference = (have[index] ?? 0) - part;
    if (difference !== 0) return difference > 0;
  }
  return true;
}

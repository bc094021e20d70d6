/** Longest address that is used, in characters. */
export const MAX_URL_LENGTH = 1024;

/** An address without slashes at its end. (A regular expression for it takes the square of the length.) */
export function withoutSlashes(url: string): string {
  let end = url.length;
  while (url.endsWith('/', end)) end -= 1;
  return url.slice(0, end);
}

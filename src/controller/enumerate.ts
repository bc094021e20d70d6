/** How many items of a list a message names. */
export const MOST_NAMED = 5;

/** The first of a list in words, and how many others there are. */
export function enumerate(items: readonly string[]): string {
  const others = items.length - MOST_NAMED;
  return `${items.slice(0, MOST_NAMED).join(', ')}${others > 0 ? ` and ${others} more` : ''}`;
}

/**
 * The text, cut to at most `limit` UTF-16 units with " …" at the end when it is longer: between words where there is
 * a gap near the end, and never within a character. Lone surrogates, which JSON can't carry, are replaced.
 *
 * Remove secrets first: what is left of a secret after the cut is no longer recognised.
 */
export function clip(text: string, limit: number): string {
  if (text.length <= limit) return text.toWellFormed();
  const ellipsis = ' …';
  let end = limit - ellipsis.length;
  if (isHighSurrogate(text.charCodeAt(end - 1))) end--;
  const kept = text.slice(0, end);
  const gap = kept.search(/\s+\S*$/);
  const words = gap > Math.max(0, end - MAX_CUT_WORD) ? kept.slice(0, gap) : kept;
  return words.toWellFormed() + ellipsis;
}

/** A longer piece without a gap (base64, a URL) is cut in the middle. */
const MAX_CUT_WORD = 40;

function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff;
}

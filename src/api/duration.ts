const DURATION = /^(?:\d+(?:\.\d+)?(?:ms|s|m|h))+$/;
const PART = /(\d+(?:\.\d+)?)(ms|s|m|h)/g;
const MILLISECONDS: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/**
 * Milliseconds of a duration as Go writes it and the CRD takes it: `1h30m`, `90s`, `1.5h`, `0s`. A part of a
 * millisecond is rounded.
 *
 * @throws RangeError when the text isn't a duration, such as `10` (no unit) or `-1s`.
 */
export function parseDuration(text: string): number {
  if (!DURATION.test(text)) {
    throw new RangeError(
      `"${text}" isn't a duration: write numbers with units (ms, s, m, h), such as "1h30m"`,
    );
  }
  let total = 0;
  for (const [, amount, unit = ''] of text.matchAll(PART))
    total += Number(amount) * (MILLISECONDS[unit] ?? NaN);
  return Math.round(total);
}

/**
 * A period with 0 to 20 % on top, always the same for one uid: objects that were made together don't stay together.
 *
 * @param periodMs in ms; 0 is "never", and stays so
 */
export function spreadPeriod(periodMs: number, uid: string): number {
  return Math.round(periodMs * (1 + 0.2 * spread(uid)));
}

/** A number from 0 to 1 that spreads objects evenly. */
function spread(uid: string): number {
  let hash = 0x811c9dc5;
  for (const character of uid) hash = Math.imul(hash ^ character.charCodeAt(0), 0x01000193) >>> 0;
  return hash / 0xffffffff;
}

/** Something the user of the test bed can act on. The message is one line: what failed, where, and what cures it. */
export class TestbedError extends Error {
  override readonly name = 'TestbedError';
}

/** The message of anything thrown, on one line. */
export function messageOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.replace(/\s*\n\s*/g, ' ').trim();
}

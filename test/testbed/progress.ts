/** Where progress goes, a line at a time, without a line end. */
export type Log = (line: string) => void;

/**
 * Run a long step and tell about it: a line at its start, one every five seconds with the time gone by, and one at its
 * end. `note` sets what the step is busy with just now.
 */
export async function step<T>(
  log: Log,
  title: string,
  work: (note: (text: string) => void) => Promise<T>,
  everyMs = 5000,
): Promise<T> {
  const start = performance.now();
  const seconds = (): string => `${Math.round((performance.now() - start) / 1000)} s`;
  let busyWith = '';
  log(`${title} …`);
  const ticker = setInterval(() => log(`${title}: ${seconds()}${busyWith && `, ${busyWith}`}`), everyMs);
  try {
    const result = await work((text) => {
      busyWith = text;
    });
    log(`${title}: done in ${seconds()}`);
    return result;
  } finally {
    clearInterval(ticker);
  }
}

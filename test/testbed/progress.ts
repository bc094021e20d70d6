/** Where progress goes, a line at a time, without a line end. */
export type Log = (line: string) => void;

/** Log a line now and one every five seconds with the time gone by, until the function returned is called. */
export function tell(
  log: Log,
  title: string,
  busyWith: () => string = () => '',
  everyMs = 5000,
): () => string {
  const start = performance.now();
  const elapsed = (): string => `${Math.round((performance.now() - start) / 1000)} s`;
  log(`${title} …`);
  const ticker = setInterval(
    () => log([`${title}: ${elapsed()}`, busyWith()].filter(Boolean).join(', ')),
    everyMs,
  );
  return () => {
    clearInterval(ticker);
    return elapsed();
  };
}

/** Run a long step and tell about it, its end too. `note` sets what the step is busy with just now. */
export async function step<T>(
  log: Log,
  title: string,
  work: (note: (text: string) => void) => Promise<T>,
  everyMs?: number,
): Promise<T> {
  let busyWith = '';
  const stop = tell(log, title, () => busyWith, everyMs);
  try {
    const result = await work((text) => {
      busyWith = text;
    });
    log(`${title}: done in ${stop()}`);
    return result;
  } finally {
    stop();
  }
}

/**
 * Waits for a promise that others may wait for too: an abort ends this wait, not the work.
 *
 * @throws the signal's reason when it is, or gets, aborted first
 */
export async function untilAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return promise;
  signal.throwIfAborted();
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = () => reject(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    // A signal as old as the process would collect the listeners.
    signal.removeEventListener('abort', onAbort);
  }
}

import { vi } from 'vitest';

/** How long a test waits for what must come; it costs only a test that fails. In milliseconds. */
const PATIENCE_MS = 20_000;

// Vitest waits for one second, and a busy machine keeps a process waiting as long.
const { waitFor } = vi;
vi.waitFor = (callback, options = {}) =>
  waitFor(callback, {
    timeout: PATIENCE_MS,
    ...(typeof options === 'number' ? { timeout: options } : options),
  });

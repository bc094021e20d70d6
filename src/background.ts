import { AsyncLocalStorage } from 'node:async_hooks';

/**
 * Begins work that goes on after whoever began it, as the first who needs a shared loop does: what it logs is not
 * theirs. (A snapshot of the context that modules are loaded in, which is none.)
 */
export const inBackground: <T>(work: () => T) => T = AsyncLocalStorage.snapshot();

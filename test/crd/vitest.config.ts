import { defineConfig } from 'vitest/config';

// HEATSTACK_TESTBED=FILE vitest run --config test/crd/vitest.config.ts
export default defineConfig({
  test: { include: ['test/crd/**/*.test.ts'], environment: 'node', hookTimeout: 60_000, testTimeout: 20_000 },
});

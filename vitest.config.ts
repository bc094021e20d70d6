import { defineConfig } from 'vitest/config';

/** What must come may come late on a busy machine; the default is a second. */
const patient = {
  setupFiles: 'test/support/patience.ts',
  expect: { poll: { timeout: 20_000, interval: 100 } },
};

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          ...patient,
          name: 'unit',
          include: [
            'src/**/*.test.ts',
            'test/*.test.ts',
            'test/cluster/*.test.ts',
            'test/support/**/*.test.ts',
            'test/testbed/**/*.test.ts',
            'test/conformance/**/*.test.ts',
            'test/demo/**/*.test.ts',
            'test/kstatus/**/*.test.ts',
            'bench/**/*.test.ts',
            'deploy/**/*.test.ts',
          ],
          environment: 'node',
          // Half of the time would go into imports. So no module may be mocked, and what a test replaces it puts back.
          isolate: false,
          // Property tests take seconds where cores are busy, and no test of ours is about speed.
          testTimeout: 30_000,
        },
      },
      {
        // Files for other tools (Argo CD, Flux, kubeconform), tried by programs in Go that are built once.
        test: {
          ...patient,
          name: 'gitops',
          include: ['test/gitops/**/*.test.ts'],
          globalSetup: 'test/gitops/setup.ts',
          isolate: false,
          testTimeout: 60_000,
        },
      },
      {
        // On the real test bed, side by side: each scenario has a namespace and operators of its own.
        test: {
          ...patient,
          name: 'e2e',
          include: ['test/crd/**/*.test.ts', 'test/e2e/**/*.test.ts', 'test/openstack/**/*.test.ts'],
          globalSetup: 'test/support/bundle.ts',
          testTimeout: 180_000,
          hookTimeout: 60_000,
          maxWorkers: 6,
          // A worker imports the sources once, and not for each of a hundred files. No scenario changes what it imports.
          isolate: false,
        },
      },
      {
        // These stop parts of a test bed, so they have one of their own, and run one at a time.
        test: {
          ...patient,
          name: 'disruptive',
          include: ['test/disruptive/**/*.test.ts'],
          exclude: ['test/disruptive/watch-survival/**'],
          globalSetup: 'test/support/bundle.ts',
          testTimeout: 300_000,
          hookTimeout: 60_000,
          fileParallelism: false,
        },
      },
      {
        // In a cluster that runs pods (`npm run test:cluster`): each file installs the chart, so they run one at a time.
        test: {
          ...patient,
          name: 'cluster',
          include: ['test/cluster/*/**/*.test.ts'],
          testTimeout: 180_000,
          hookTimeout: 180_000,
          fileParallelism: false,
        },
      },
      {
        // These start control planes of their own, one at a time, and wait for most of the time.
        test: {
          ...patient,
          name: 'watch-survival',
          include: ['test/disruptive/watch-survival/*.test.ts'],
          testTimeout: 300_000,
          hookTimeout: 120_000,
          fileParallelism: false,
          maxConcurrency: 20,
        },
      },
    ],
  },
});

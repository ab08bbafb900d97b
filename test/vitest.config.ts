/** Three projects: pure code in Node, the Worker's own parts in workerd with real KV and Durable Objects, and clients in Node against a running broker. */
import { fileURLToPath } from 'node:url';
import { cloudflareTest } from '@cloudflare/vitest-plugin';
import { defineConfig } from 'vitest/config';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

// Made up for the tests; nothing outside them knows these. `test-only-` is how the search of the logs knows a secret.
export const TEST_BINDINGS = {
  PUBLIC_ORIGIN: 'https://sts.example.com',
  EDGE_STS_KEK: 'dGVzdC1vbmx5LWtlay10ZXN0LW9ubHkta2VrLTEyMzQ=',
  EDGE_STS_ADMIN_TOKEN: 'test-only-admin-token-0123456789abcdef',
};

export default defineConfig({
  test: {
    root: here('.'),
    // Audit lines and faults made on purpose are of interest where a test fails, and there only.
    silent: 'passed-only',
    projects: [
      {
        test: {
          name: 'core',
          root: here('.'),
          include: ['core/**/*.test.ts', 'protocols/**/*.test.ts', 'dashboard/**/*.test.ts'],
          env: { TZ: 'UTC' },
          // Properties do much; how long that takes is the machine's affair, and none of these tests waits for anything.
          testTimeout: 120_000,
        },
      },
      {
        plugins: [
          cloudflareTest({
            // Otherwise workerd tells of each fault that a test makes on purpose; those that count fail their test.
            verbose: false,
            wrangler: { configPath: here('../wrangler.toml') },
            miniflare: { bindings: TEST_BINDINGS },
          }),
        ],
        test: {
          name: 'workerd',
          root: here('.'),
          include: ['contracts/**/*.test.ts', 'platform/**/*.test.ts', 'exchange/**/*.test.ts'],
          setupFiles: [here('support/assert-workerd.ts')],
          testTimeout: 30_000,
        },
      },
      {
        test: {
          name: 'node',
          root: here('.'),
          include: ['node/**/*.test.ts', 'conformance/**/*.test.ts'],
          env: { TZ: 'UTC' },
          testTimeout: 60_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
});

/** The run that leaks on purpose: one file in workerd, as the others are run. */
import { fileURLToPath } from 'node:url';
import { cloudflareTest } from '@cloudflare/vitest-plugin';
import { defineConfig } from 'vitest/config';
import { TEST_BINDINGS } from '../vitest.config.ts';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

export default defineConfig({
  plugins: [
    cloudflareTest({
      verbose: false,
      wrangler: { configPath: here('../../wrangler.toml') },
      miniflare: { bindings: TEST_BINDINGS },
    }),
  ],
  test: { name: 'planted', root: here('.'), include: ['leak.ts'], silent: 'passed-only' },
});

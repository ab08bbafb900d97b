/** What is put under load: the bundle of production, the same without its audit line, and the Workers it is held against. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildBundle, PROJECT_FOLDER } from '../../src/local/bundle.ts';

interface Esbuild {
  build(options: object): Promise<unknown>;
}

/** The one that builds the Worker: wrangler's own. */
const esbuild = createRequire(createRequire(import.meta.url).resolve('wrangler/package.json'))('esbuild') as Esbuild;

export interface Bundles {
  readonly broker: string;
  readonly brokerWithoutAudit: string;
  /** With its names, for a profile. */
  readonly brokerReadable: string;
  readonly ceiling: string;
  readonly jose: string;
  readonly echo: string;
  readonly emptyHono: string;
}

/** In `folder`, which is thrown away afterwards. */
export async function buildBundles(folder: string): Promise<Bundles> {
  const worker = (name: string): string => fileURLToPath(new URL(`workers/${name}.mjs`, import.meta.url));
  const built = async (name: string): Promise<string> => bundle(worker(name), join(folder, `${name}.js`));
  return {
    broker: await buildBundle(),
    brokerWithoutAudit: await bundle(WORKER, join(folder, 'without-audit.js'), { plugins: [SILENT] }),
    brokerReadable: await bundle(WORKER, join(folder, 'readable.js'), { minify: false }),
    ceiling: await built('ceiling'),
    jose: await built('jose'),
    echo: await built('echo'),
    emptyHono: await built('empty-hono'),
  };
}

const WORKER = join(PROJECT_FOLDER, 'src', 'worker.ts');

/** As wrangler does it, by the settings of wrangler.toml. */
async function bundle(from: string, to: string, more: object = {}): Promise<string> {
  const options = {
    bundle: true,
    format: 'esm',
    target: 'es2024',
    minify: true,
    external: ['cloudflare:*', 'node:crypto'],
  };
  await esbuild.build({ ...options, entryPoints: [from], outfile: to, logLevel: 'error', ...more });
  return to;
}

interface PluginBuild {
  onLoad(options: { readonly filter: RegExp }, load: (file: { readonly path: string }) => object): void;
}

const AUDIT_LOG = /src[\\/]platform[\\/]audit[\\/]log\.ts$/;

/** No line is made and none is written. For the measurement only: a broker has no such setting. */
const SILENT = {
  name: 'without the audit line',
  setup: (build: PluginBuild) =>
    build.onLoad({ filter: AUDIT_LOG }, ({ path }) => ({
      contents: `
        /* in place of ${basename(path)} */
        const silent = () => () => undefined;
        export { ${logsOf(path)} };`,
      loader: 'js',
    })),
};

/** Whatever kinds of lines there are. */
function logsOf(path: string): string {
  const names = [...readFileSync(path, 'utf8').matchAll(/^export function (create\w+)/gm)].map(([, name]) => name);
  return names.map((name) => `silent as ${name}`).join(', ');
}

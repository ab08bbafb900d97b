/** Writes what is made of the schemas, the OpenAPI document and the JSON Schema of the files of `apply`, into the modules that serve them; with `--check` says whether they are what the sources make. */
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { fileURLToPath } from 'node:url';
import { configurationSchema } from './openapi/configuration-schema.ts';
import { openApiDocument } from './openapi/document.ts';

const at = (path: string): string => fileURLToPath(new URL(`../${path}`, import.meta.url));

const { version }: { readonly version: string } = JSON.parse(readFileSync(at('package.json'), 'utf8'));
const openApi = JSON.stringify(openApiDocument(version));
const schema = JSON.stringify(configurationSchema());

const FILES: Readonly<Record<string, string>> = {
  'src/protocols/openapi/document.ts': moduleOf(openApi, 'DOCUMENT', 'ETAG'),
  'src/protocols/configuration-schema/document.ts': moduleOf(schema, 'SCHEMA', 'SCHEMA_ETAG'),
  // For whoever has the repository and no broker yet.
  'docs/configuration.schema.json': `${JSON.stringify(configurationSchema(), null, 2)}\n`,
};

function moduleOf(text: string, name: string, etagName: string): string {
  const etag = `"${createHash('sha256').update(text).digest('hex').slice(0, 24)}"`;
  return `/** Made by \`npm run openapi\`: not to be changed by hand. */
export const ${name}: string = ${JSON.stringify(text)};
export const ${etagName}: string = ${JSON.stringify(etag)};
`;
}

if (!process.argv.includes('--check')) {
  for (const [path, source] of Object.entries(FILES)) writeFileSync(at(path), source);
  const kib = (bytes: number): string => (bytes / 1_024).toFixed(1);
  for (const text of [openApi, schema]) {
    process.stdout.write(
      `openapi: ${kib(text.length)} KiB, ${kib(gzipSync(text, { level: 9 }).byteLength)} KiB gzip\n`,
    );
  }
} else {
  const others = Object.entries(FILES).filter(([path, source]) => readFileSync(at(path), 'utf8') !== source);
  for (const [path] of others) process.stdout.write(`openapi: ${path} is not what the sources make: npm run openapi\n`);
  if (others.length === 0) process.stdout.write('openapi: as the sources make it\n');
  else process.exitCode = 1;
}

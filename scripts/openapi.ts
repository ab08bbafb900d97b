/** Writes what is made of the schemas, the OpenAPI document and the JSON Schema of the files of `apply`, into the folder that they are served from; with `--check` says whether they are what the sources make. */
import { readFileSync, writeFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { fileURLToPath } from 'node:url';
import { configurationSchema } from './openapi/configuration-schema.ts';
import { openApiDocument } from './openapi/document.ts';

const at = (path: string): string => fileURLToPath(new URL(`../${path}`, import.meta.url));

const { version }: { readonly version: string } = JSON.parse(readFileSync(at('package.json'), 'utf8'));
const schema = configurationSchema();

const FILES: Readonly<Record<string, string>> = {
  'assets/openapi.json': `${JSON.stringify(openApiDocument(version))}\n`,
  'assets/configuration.schema.json': `${JSON.stringify(schema)}\n`,
  // For whoever has the repository and no broker yet.
  'docs/configuration.schema.json': `${JSON.stringify(schema, null, 2)}\n`,
};

if (!process.argv.includes('--check')) {
  const kib = (bytes: number): string => (bytes / 1_024).toFixed(1);
  for (const [path, text] of Object.entries(FILES)) {
    writeFileSync(at(path), text);
    const zipped = gzipSync(text, { level: 9 }).byteLength;
    process.stdout.write(`openapi: ${path} ${kib(text.length)} KiB, ${kib(zipped)} KiB gzip\n`);
  }
} else {
  const others = Object.entries(FILES).filter(([path, text]) => readFileSync(at(path), 'utf8') !== text);
  for (const [path] of others) process.stdout.write(`openapi: ${path} is not what the sources make: npm run openapi\n`);
  if (others.length === 0) process.stdout.write('openapi: as the sources make it\n');
  else process.exitCode = 1;
}

/** Writes the OpenAPI document into the module that serves it; with `--check` says whether it is the one that the sources make. */
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { fileURLToPath } from 'node:url';
import { openApiDocument } from './openapi/document.ts';

const FILE = fileURLToPath(new URL('../src/protocols/openapi/document.ts', import.meta.url));

const { version }: { readonly version: string } = JSON.parse(
  readFileSync(new URL('../package.json', import.meta.url), 'utf8'),
);
const text = JSON.stringify(openApiDocument(version));
const etag = `"${createHash('sha256').update(text).digest('hex').slice(0, 24)}"`;
const source = `/** Made by \`npm run openapi\`: not to be changed by hand. */
export const DOCUMENT: string = ${JSON.stringify(text)};
export const ETAG: string = ${JSON.stringify(etag)};
`;

if (!process.argv.includes('--check')) {
  writeFileSync(FILE, source);
  const kib = (bytes: number): string => (bytes / 1_024).toFixed(1);
  process.stdout.write(`openapi: ${kib(text.length)} KiB, ${kib(gzipSync(text, { level: 9 }).byteLength)} KiB gzip\n`);
} else if (readFileSync(FILE, 'utf8') === source) process.stdout.write('openapi: as the sources make it\n');
else {
  process.stdout.write('openapi: the document is not the one that the sources make: npm run openapi\n');
  process.exitCode = 1;
}

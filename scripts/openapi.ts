/** Writes the OpenAPI document into the folder that it is served from; with `--check` says whether it is the one that the sources make. */
import { readFileSync, writeFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { fileURLToPath } from 'node:url';
import { openApiDocument } from './openapi/document.ts';

const FILE = fileURLToPath(new URL('../assets/openapi.json', import.meta.url));

const { version }: { readonly version: string } = JSON.parse(
  readFileSync(new URL('../package.json', import.meta.url), 'utf8'),
);
const text = `${JSON.stringify(openApiDocument(version))}\n`;

if (!process.argv.includes('--check')) {
  writeFileSync(FILE, text);
  const kib = (bytes: number): string => (bytes / 1_024).toFixed(1);
  process.stdout.write(`openapi: ${kib(text.length)} KiB, ${kib(gzipSync(text, { level: 9 }).byteLength)} KiB gzip\n`);
} else if (readFileSync(FILE, 'utf8') === text) process.stdout.write('openapi: as the sources make it\n');
else {
  process.stdout.write('openapi: the document is not the one that the sources make: npm run openapi\n');
  process.exitCode = 1;
}

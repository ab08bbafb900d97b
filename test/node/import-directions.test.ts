/** The check of import directions must not be able to pass in silence: each rule catches a fault planted against it. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { checkDirections } from '../../scripts/import-directions.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'edge-sts-directions-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function plant(file: string, source: string): void {
  mkdirSync(dirname(join(folder, file)), { recursive: true });
  writeFileSync(join(folder, file), source);
}

describe('a planted fault is caught', () => {
  test.each([
    ['core/a.ts', "import { jwtVerify } from 'jose';", 'jose'],
    ['platform/keys/a.ts', "import { jwtVerify } from 'jose';", 'jose'],
    ['core/a.ts', "import { create } from '@bufbuild/protobuf';", '@bufbuild/protobuf'],
    ['core/a.ts', "import type { Settings } from '../platform/settings.ts';", '../platform/settings.ts'],
    ['core/a.ts', 'export const now = () => Date.now();', 'Date.now'],
    ['core/policy/a.ts', "export * from 'hono';", 'hono'],
    ['protocols/aws-sts/a.ts', "import { x } from '../google-sts/request.ts';", '../google-sts/request.ts'],
    [
      'protocols/aws-sts/a.ts',
      "import {\n  a,\n  b,\n} from '../../platform/keys/store.ts';",
      '../../platform/keys/store.ts',
    ],
    ['platform/keys/a.ts', "import { Hono } from 'hono';", 'hono'],
    ['dashboard/a.tsx', "import { x } from '../protocols/iam-admin/needs.ts';", '../protocols/iam-admin/needs.ts'],
    ['dashboard/a.tsx', "import type { X } from '../platform/secrets.ts';", '../platform/secrets.ts'],
    ['platform/keys/a.ts', "import { Quota } from '../quota/object.ts';", '../quota/object.ts'],
    ['platform/keys/a.ts', "import type { Row } from '../quota/store.ts';", '../quota/store.ts'],
    [
      'platform/keys/a.ts',
      "const x = await import('../../protocols/google-sts/route.ts');",
      '../../protocols/google-sts/route.ts',
    ],
    ['client/a.ts', "import { readFileSync } from 'node:fs';", 'node:fs'],
    ['client/a.ts', "import { ok } from '../core/result.ts';", '../core/result.ts'],
    ['local/a.ts', "import { Registry } from '../platform/registry/object.ts';", '../platform/registry/object.ts'],
    ['app.ts', "import { readSettings } from './platform/settings.ts';", './platform/settings.ts'],
    ['worker.ts', "import './local/start.ts';", './local/start.ts'],
    ['cellar/a.ts', 'export const x = 1;', 'no room'],
  ])('%s: %s', (file, source, named) => {
    plant(file, source);
    const { faults } = checkDirections(folder);
    expect(faults).toHaveLength(1);
    expect(faults[0]).toContain(named);
  });
});

test('what is allowed is not called a fault', () => {
  plant('core/policy/a.ts', "import { celEnv } from '@bufbuild/cel';\nimport { ok } from '../result.ts';");
  plant(
    'protocols/google-sts/a.ts',
    "import { Hono } from 'hono';\nimport * as v from 'valibot';\nimport { b } from './b.ts';",
  );
  plant(
    'platform/keys/a.ts',
    "import { createHash } from 'node:crypto';\nimport type { Quota } from '../quota/object.ts';\n// import 'hono';",
  );
  plant(
    'app.ts',
    "import type { Settings } from './platform/settings.ts';\nimport { r } from './protocols/x/route.ts';",
  );
  expect(checkDirections(folder)).toEqual({ filesRead: 4, importsRead: 9, faults: [] });
});

test('our own source keeps the directions', () => {
  const report = checkDirections(fileURLToPath(new URL('../../src', import.meta.url)));
  expect(report.filesRead).toBeGreaterThan(20);
  expect(report.importsRead).toBeGreaterThan(20);
  expect(report.faults).toEqual([]);
});

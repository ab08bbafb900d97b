/** Who may know whom (the rooms of src): reads every import and names each one that goes the wrong way. */
import { globSync, readFileSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';

interface Room {
  /** Which files (paths below src) live here; the first room that fits is theirs. */
  readonly files: RegExp;
  /** Our own files that may be imported, besides the room itself. `$1` is what the room's own expression captured. */
  readonly own: readonly string[];
  /** Our own files whose *types* may be imported. */
  readonly types?: readonly string[];
  readonly packages: readonly string[];
  /** What the compiler cannot see and would make the room depend on the moment or on chance. */
  readonly never?: RegExp;
}

const MOMENT_OR_CHANCE = /\bDate\.now\b|\bnew Date\(\)|\bMath\.random\b|\bperformance\.now\b/;

const ROOMS: Readonly<Record<string, Room>> = {
  'core/policy': {
    files: /^core\/policy\//,
    own: ['core/'],
    packages: ['@bufbuild/cel', '@bufbuild/cel-spec', '@bufbuild/protobuf', '@bufbuild/re2'],
    never: MOMENT_OR_CHANCE,
  },
  core: { files: /^core\//, own: ['core/'], packages: [], never: MOMENT_OR_CHANCE },
  // Files beside the folders are what all folders share, here and in platform.
  'protocols/x': {
    files: /^protocols\/([^/]+)\//,
    own: ['core/', 'protocols/$1/', 'protocols/*.ts'],
    packages: ['hono', 'valibot'],
  },
  protocols: { files: /^protocols\/[^/]+\.ts$/, own: ['core/', 'protocols/*.ts'], packages: ['hono', 'valibot'] },
  // Another folder's object is known by its type only: it is called over RPC.
  'platform/x': {
    files: /^platform\/([^/]+)\//,
    own: ['core/', 'platform/$1/', 'platform/*.ts'],
    types: ['platform/*/object.ts'],
    packages: ['cloudflare:workers', 'node:crypto'],
  },
  platform: {
    files: /^platform\/[^/]+\.ts$/,
    own: ['core/', 'platform/*.ts'],
    types: ['platform/*/object.ts'],
    packages: ['node:crypto'],
  },
  // One more face, and no dialect: it asks the REST administration itself, through a function that it is handed.
  dashboard: { files: /^dashboard\//, own: ['core/', 'dashboard/'], packages: ['hono'] },
  client: { files: /^client\//, own: ['client/'], packages: [] },
  local: {
    files: /^local\//,
    own: ['local/', 'client/', 'core/'],
    packages: ['node:*', 'jose', 'wrangler', 'miniflare'],
  },
  // What is pure of core may be used here too: a name is formatted in one place.
  cli: {
    files: /^cli\//,
    own: ['cli/', 'client/', 'core/'],
    packages: ['node:*', 'commander', 'jose', 'yaml'],
  },
  app: { files: /^app\.ts$/, own: ['core/', 'protocols/', 'dashboard/'], types: ['platform/'], packages: ['hono'] },
  env: { files: /^env\.d\.ts$/, own: [], types: ['platform/', 'worker.ts'], packages: [] },
  worker: {
    files: /^worker\.ts$/,
    own: ['core/', 'protocols/', 'platform/', 'app.ts'],
    packages: ['hono', 'cloudflare:workers'],
  },
};

export interface Report {
  readonly filesRead: number;
  readonly importsRead: number;
  readonly faults: readonly string[];
}

export function checkDirections(srcFolder: string): Report {
  const files = globSync('**/*.{ts,tsx}', { cwd: srcFolder }).map((file) => file.replaceAll('\\', '/'));
  const read = files.toSorted().map((file) => checkFile(file, readFileSync(join(srcFolder, file), 'utf8')));
  return {
    filesRead: files.length,
    importsRead: read.reduce((sum, { imports }) => sum + imports, 0),
    faults: read.flatMap(({ faults }) => faults),
  };
}

function checkFile(file: string, source: string): { readonly imports: number; readonly faults: readonly string[] } {
  const found = Object.entries(ROOMS).find(([, { files }]) => files.test(file));
  if (found === undefined) return { imports: 0, faults: [`${file}: lives in no room of scripts/import-directions.ts`] };
  const [name, room] = found;
  const [, folder = ''] = room.files.exec(file) ?? [];
  const imports = readImports(source);
  const wrong = imports.filter((one) => !mayImport(room, folder, file, one));
  const faults = wrong.map(
    (one) => `${file}: ${name} may not import ${one.typeOnly ? 'types of ' : ''}${one.specifier}`,
  );
  const habit = room.never?.exec(withoutComments(source));
  if (habit !== null && habit !== undefined) faults.push(`${file}: ${name} may not use ${habit[0]}; it is handed in`);
  return { imports: imports.length, faults };
}

interface Import {
  readonly specifier: string;
  readonly typeOnly: boolean;
}

/** `import { type X }` is no type-only import: what is left of it at run time is still an import. */
const FROM = /^[ \t]*(import|export)(\s+type)?\b(?:[^'"`;=()]*?\bfrom)?\s*['"]([^'"]+)['"]/gm;
const CALL = /\b(typeof\s+)?import\s*\(\s*(['"`])([^'"`]*)\2/g;
const TYPE_CALL = /[:<|&=,]\s*import\s*\(\s*['"]([^'"]+)['"]\s*\)\s*\./g;

function readImports(source: string): readonly Import[] {
  const text = withoutComments(source);
  const typeCalls = new Set([...text.matchAll(TYPE_CALL)].map(([, specifier]) => specifier));
  return [
    ...[...text.matchAll(FROM)].map(([, , type, specifier = '']) => ({ specifier, typeOnly: type !== undefined })),
    ...[...text.matchAll(CALL)].map(([, type, , specifier = '']) => ({
      specifier,
      typeOnly: type !== undefined || typeCalls.has(specifier),
    })),
  ];
}

function withoutComments(source: string): string {
  return source.replaceAll(/\/\*[\s\S]*?\*\//g, '').replaceAll(/(^|\s)\/\/.*$/gm, '$1');
}

function mayImport(room: Room, folder: string, file: string, { specifier, typeOnly }: Import): boolean {
  if (!specifier.startsWith('.')) return room.packages.some((allowed) => isPackage(allowed, specifier));
  const target = posix.join(posix.dirname(file), specifier);
  const allowed = typeOnly ? [...room.own, ...(room.types ?? [])] : room.own;
  return allowed.some((pattern) => isFile(pattern.replace('$1', folder), target));
}

function isPackage(allowed: string, specifier: string): boolean {
  if (allowed === 'node:*') return specifier.startsWith('node:');
  return specifier === allowed || specifier.startsWith(`${allowed}/`);
}

/** `a/` is everything below a, `*` one name, anything else one file. */
function isFile(pattern: string, target: string): boolean {
  if (pattern.endsWith('/')) return target.startsWith(pattern);
  return new RegExp(`^${pattern.replaceAll('.', '\\.').replaceAll('*', '[^/]+')}$`).test(target);
}

if (import.meta.main) {
  const src = join(dirname(fileURLToPath(import.meta.url)), '..', 'src');
  const { filesRead, importsRead, faults } = checkDirections(src);
  for (const fault of faults) process.stderr.write(`${fault}\n`);
  // Having read nothing is no proof of anything.
  const failed = faults.length > 0 || filesRead === 0 || importsRead === 0;
  process.stdout.write(`import directions: ${filesRead} files, ${importsRead} imports read, ${faults.length} faults\n`);
  if (failed) process.exitCode = 1;
}

/** Permissions of deny rules: Google's spellings and ours, each turned into one pattern; and whether a rule denies a permission. */
import type { DenyRule } from '../resources.ts';
import { err, ok, type Result } from '../result.ts';
import { isPermission } from './roles.ts';

/** Everything, the exchange itself too. */
const EVERY = '*';

/** Google's own format there: SERVICE.googleapis.com/RESOURCE.VERB. */
const V2 = /^([a-z][a-z0-9]*)\.googleapis\.com\/([A-Za-z*][^.]*\..+)$/;

/** What is meant as such an address, however it is spelled. */
const ADDRESS = /^[a-z][a-z0-9]*\.googleapis\.com(?=\/)/i;

/** Services whose name in permissions is not the one in their address. */
const SERVICES: ReadonlyMap<string, string> = new Map([['cloudresourcemanager', 'resourcemanager']]);

const GROUP_END = '.*';

/** The pattern that `text` means, one for all its spellings, or a sentence saying why it means none. */
export function permissionPattern(text: string): Result<string, string> {
  if (text === EVERY) return ok(EVERY);
  // A host's name has no case, permissions do: with a capital it would read as a wall and meet no permission of that service.
  const [meant = ''] = ADDRESS.exec(text) ?? [];
  if (meant !== meant.toLowerCase()) {
    return err(`"${text.slice(0, 200)}" must have its service's address in small letters: ${meant.toLowerCase()}/…`);
  }
  const [, address, rest] = V2.exec(text) ?? [];
  if (address === undefined || rest === undefined) return dottedPattern(text);
  const service = SERVICES.get(address) ?? address;
  // Every resource of the service: with every verb, or with one.
  if (rest === '*.*') return ok(`${service}${GROUP_END}`);
  if (rest.startsWith('*.')) return isVerb(rest.slice(2)) ? ok(`${service}.${rest}`) : notOne(text);
  return dottedPattern(`${service}.${rest}`);
}

function dottedPattern(text: string): Result<string, string> {
  const beginning = text.endsWith(GROUP_END) ? text.slice(0, -GROUP_END.length) : text;
  // A service may have a shorter name than a permission can.
  const isPattern = beginning === text ? isPermission(text) : isPermission(`${beginning}.any`);
  return isPattern ? ok(text) : notOne(text);
}

function isVerb(text: string): boolean {
  return /^[A-Za-z0-9]+$/.test(text);
}

function notOne(text: string): Result<never, string> {
  const forms = 'orders.get, orders.*, SERVICE.googleapis.com/RESOURCE.VERB (either may be *), or *';
  return err(`"${text.slice(0, 200)}" is not a permission: write ${forms}`);
}

/** Every pattern that holds this permission: rules are found by look-up, not by trying each of them. */
function patternsHolding(permission: string): readonly string[] {
  const parts = permission.split('.');
  const groups = parts.slice(1).map((_, index) => `${parts.slice(0, index + 1).join('.')}${GROUP_END}`);
  // Where a permission has two parts only, the service is its own resource: `SERVICE.googleapis.com/*.VERB` looks like a wall before it as well.
  const byVerb = parts.length > 1 ? [`${parts[0]}.*.${parts.at(-1)}`] : [];
  return [EVERY, permission, ...groups, ...byVerb];
}

/** Which of these texts, all of them accepted, are about none of some permissions. */
export function idlePermissions(texts: readonly string[], permissions: Iterable<string>): ReadonlySet<string> {
  const patterns = new Map(texts.map((text) => [text, deniedPattern(text)]));
  const idle = new Set(patterns.values());
  for (const permission of permissions) {
    if (idle.size === 0) break;
    for (const pattern of patternsHolding(permission)) idle.delete(pattern);
  }
  return new Set([...patterns].flatMap(([text, pattern]) => (idle.has(pattern) ? [text] : [])));
}

/**
 * Which of these rules, by their places, deny at least one of some permissions. What a role costs is its permissions and the rules that
 * they meet: a project may have 300 roles of 3,000 permissions, and 500 rules.
 */
export function denyingAnyOf(rules: readonly DenyRule[]): (permissions: readonly string[]) => readonly number[] {
  const sets = rules.map(({ deniedPermissions, exceptionPermissions }) => ({
    denied: new Set(deniedPermissions.map(deniedPattern)),
    excepted: new Set(exceptionPermissions.flatMap(exceptedPattern)),
  }));
  const places = placesByPattern(sets.map(({ denied }) => denied));
  return (permissions) => {
    const held = permissions.map(patternsHolding);
    const met = new Set(held.flatMap((patterns) => patterns.filter((pattern) => places.has(pattern))));
    const candidates = new Set([...met].flatMap((pattern) => places.get(pattern) ?? []));
    return [...candidates].filter((place) => {
      const { denied, excepted } = sets[place] ?? NO_SETS;
      if (excepted.size === 0) return true;
      const isIn = (set: ReadonlySet<string>) => (pattern: string) => set.has(pattern);
      return held.some((patterns) => patterns.some(isIn(denied)) && !patterns.some(isIn(excepted)));
    });
  };
}

const NO_SETS = { denied: new Set<string>(), excepted: new Set<string>() };

/** They were checked when they were written. One that is not understood any more denies everything, and excepts nothing. */
function deniedPattern(text: string): string {
  const pattern = permissionPattern(text);
  return pattern.ok ? pattern.value : EVERY;
}

function exceptedPattern(text: string): readonly string[] {
  const pattern = permissionPattern(text);
  return pattern.ok ? [pattern.value] : [];
}

function placesByPattern(patterns: readonly ReadonlySet<string>[]): ReadonlyMap<string, readonly number[]> {
  const places = new Map<string, number[]>();
  for (const [place, ofOne] of patterns.entries()) {
    for (const pattern of ofOne) {
      const known = places.get(pattern);
      if (known === undefined) places.set(pattern, [place]);
      else known.push(place);
    }
  }
  return places;
}

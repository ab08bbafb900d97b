/** What `get` shows of each kind: the few members that one looks for in a list. */
import { isResource, type Resource } from '../client/administration.ts';
import type { KindName } from '../client/kinds.ts';
import { shortName } from './references.ts';
import type { Table } from './table.ts';

type Column = readonly [heading: string, cell: (resource: Resource, nowMs: number) => string];

const name: Column = ['NAME', (one) => shortName(one['name'])];
const age: Column = ['AGE', (one, nowMs) => ageOf(one['createTime'], nowMs)];
const state: Column = ['STATE', (one) => (one['disabled'] === true ? 'DISABLED' : cell(one['state'] ?? 'ACTIVE'))];

const COLUMNS: Readonly<Record<KindName, readonly Column[]>> = {
  project: [
    ['NAME', (one) => cell(one['projectId'])],
    ['NUMBER', (one) => cell(one['projectNumber'])],
    state,
    ['EXCHANGES/MIN', (one) => cell(one['tokenExchangesPerMinute'])],
    age,
  ],
  pool: [name, state, ['ISSUER', (one) => cell(one['issuer'])], age],
  provider: [
    name,
    state,
    ['KEYS', (one) => cell(one['keySource'])],
    ['ISSUER', (one) => cell(member(one, 'issuerUri'))],
    ['CLUSTER', (one) => cell(member(one, 'clusterUri'))],
    age,
  ],
  target: [name, ['URI', (one) => cell(one['uri'])], ['MAX LIFETIME', (one) => cell(one['maxLifetime'])], age],
  role: [
    name,
    ['TITLE', (one) => cell(one['title'])],
    ['PERMISSIONS', (one) => String(lengthOf(one['includedPermissions']))],
    age,
  ],
  serviceaccount: [
    ['EMAIL', (one) => cell(one['email'])],
    state,
    ['UNIQUE ID', (one) => cell(one['uniqueId'])],
    ['AWS ROLE', (one) => cell(isResource(one['awsRole']) ? one['awsRole']['arn'] : undefined)],
    age,
  ],
  denypolicy: [name, ['DISPLAY NAME', (one) => cell(one['displayName'])], age],
  quota: [
    ['NAME', (one) => cell(one['quotaId'])],
    ['LIMIT', (one) => limitOf(one)],
    ['USED', (one) => cell(usageOf(one, 'used'))],
    ['LEFT', (one) => cell(usageOf(one, 'remaining'))],
  ],
  quotapreference: [
    name,
    ['QUOTA', (one) => cell(one['quotaId'])],
    ['ASKED', (one) => cell(configOf(one, 'preferredValue'))],
    ['GRANTED', (one) => cell(configOf(one, 'grantedValue'))],
    ['STATE', (one) => cell(one['state'])],
    ['UNTIL', (one) => cell(one['expireTime'])],
  ],
  signingkey: [
    ['KID', (one) => cell(one['kid'])],
    ['ALG', (one) => cell(one['alg'])],
    ['STATE', (one) => cell(one['state'])],
    ['SIGNS FROM', (one) => cell(one['signFrom'])],
    ['SIGNS UNTIL', (one) => cell(one['signUntil'])],
  ],
  exchange: [
    ['TIME', (one) => cell(one['time'])],
    ['OUTCOME', (one) => cell(one['outcome'])],
    ['REASON', (one) => cell(one['check'] ?? one['reason'])],
    ['PRINCIPAL', (one) => cell(one['principal']).replace(/^principal:\/\/iam\.googleapis\.com\//, '…/')],
    ['TARGET', (one) => shortName(one['target'])],
    ['REQUEST', (one) => cell(one['requestId'])],
  ],
};

export function tableOf(kind: KindName, resources: readonly Resource[], nowMs: number): Table {
  const columns = COLUMNS[kind];
  return {
    headings: columns.map(([heading]) => heading),
    rows: resources.map((one) => columns.map(([, show]) => show(one, nowMs))),
  };
}

export function cell(value: unknown): string {
  if (value === undefined || value === '') return '-';
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function member(provider: Resource, of: string): unknown {
  const { kubernetes, oidc } = provider;
  return isResource(kubernetes) ? kubernetes[of] : isResource(oidc) ? oidc[of] : undefined;
}

function usageOf({ usage }: Resource, of: string): unknown {
  return isResource(usage) ? usage[of] : undefined;
}

function configOf({ quotaConfig }: Resource, of: string): unknown {
  return isResource(quotaConfig) ? quotaConfig[of] : undefined;
}

function limitOf({ dimensionsInfos }: Resource): string {
  const [first]: readonly unknown[] = Array.isArray(dimensionsInfos) ? dimensionsInfos : [];
  return isResource(first) && isResource(first['details']) ? cell(first['details']['value']) : '-';
}

function lengthOf(value: unknown): number {
  return Array.isArray(value) ? value.length : 0;
}

const UNITS: readonly (readonly [string, number])[] = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1_000],
];

/** `3d`, as kubectl says it. */
function ageOf(time: unknown, nowMs: number): string {
  const ms = typeof time === 'string' ? nowMs - Date.parse(time) : NaN;
  if (!Number.isFinite(ms)) return '-';
  const [unit, size] = UNITS.find(([, length]) => ms >= length) ?? ['s', 1_000];
  return `${Math.max(0, Math.floor(ms / size))}${unit}`;
}

/** A provider's keys: is its issuer reachable, and for how long will what was fetched or pushed still do. */
import { isResource, type Resource } from '../../client/administration.ts';
import { cell } from '../columns.ts';
import { shortName } from '../references.ts';
import { good, type Finding } from './finding.ts';

const HOUR_MS = 3_600_000;
/** So long before the end somebody must hear of it. */
const NEAR_END_MS = 6 * HOUR_MS;
/** Of pushed sets, whose whole life is said: the last fifth. */
const LAST_PART = 0.2;

export function keyFindings(provider: Resource, nowMs: number): readonly Finding[] {
  const { keys, state, disabled } = provider;
  if (!isResource(keys) || state === 'DELETED' || disabled === true) return [];
  const on = shortName(provider['name']);
  switch (keys['source']) {
    case 'discovery':
      return discovered(provider, keys, on, nowMs);
    case 'pushed':
      return pushed(provider, keys, on, nowMs);
    default:
      return [good('keys', `${on}: ${count(keys)} uploaded keys, which stay until they are replaced`)];
  }
}

function discovered(provider: Resource, keys: Resource, on: string, nowMs: number): readonly Finding[] {
  const { lastError, updateTime } = keys;
  if (typeof lastError !== 'string') return [good('keys', `${on}: ${count(keys)} keys from its issuer`)];
  const issuer = issuerOf(provider);
  const fix = [
    `Does the issuer answer? curl -sS ${issuer}/.well-known/openid-configuration`,
    `If it is not to be reached from the internet, upload its keys: edge-sts cluster connect ${on}`,
  ];
  const unreachable: Finding = {
    check: 'unreachable-issuer',
    status: 'problem',
    on,
    message: `${issuer}: ${lastError}`,
    fix,
  };
  if (typeof updateTime !== 'string' || count(keys) === 0) {
    return [{ ...unreachable, message: `${unreachable.message}; there are no keys, so every token of it is refused` }];
  }
  // The last good answer serves on for `maxStale` (docs/design/issuer-keys.md).
  const endsMs = Date.parse(updateTime) + secondsIn(provider['maxStale']) * 1_000;
  if (endsMs - nowMs > NEAR_END_MS) return [unreachable];
  const end = new Date(endsMs).toISOString();
  const message =
    endsMs <= nowMs
      ? `its keys were last fetched at ${updateTime}, and maxStale was over at ${end}: its tokens are or will be refused`
      : `its keys were last fetched at ${updateTime}; from ${end} on (maxStale) its tokens are refused`;
  return [unreachable, { check: 'keys-near-max-stale', status: 'problem', on, message, fix }];
}

function pushed(provider: Resource, keys: Resource, on: string, nowMs: number): readonly Finding[] {
  const { expireTime } = keys;
  const leftMs = typeof expireTime === 'string' ? Date.parse(expireTime) - nowMs : NaN;
  if (leftMs > secondsIn(provider['pushedKeysMaxAge']) * 1_000 * LAST_PART) {
    return [good('keys', `${on}: ${count(keys)} pushed keys, until ${String(expireTime)}`)];
  }
  return [
    {
      check: 'keys-near-max-stale',
      status: 'problem',
      on,
      message: `its keys were pushed last at ${String(keys['updateTime'])} and end at ${String(expireTime)} (pushedKeysMaxAge)`,
      fix: [
        'Does the agent in the cluster still run? Its log, and lines with "event":"push" on the broker\'s stdout, say why not',
      ],
    },
  ];
}

function count({ kids }: Resource): number {
  return Array.isArray(kids) ? kids.length : 0;
}

function issuerOf({ kubernetes, oidc }: Resource): string {
  const source = isResource(kubernetes) ? kubernetes : isResource(oidc) ? oidc : {};
  return cell(source['issuerUri']);
}

function secondsIn(duration: unknown): number {
  return typeof duration === 'string' ? Number(duration.replace(/s$/, '')) : NaN;
}

/**
 * An agent inside a cluster that nobody can reach hands over the keys of now. Everything that could let a thief in stands in one transaction:
 * who may push, that the token was not used before, and that the new set goes on from keys that are trusted.
 */
import { providerName, type ProviderName } from '../names.ts';
import { shardKey, type Provider, type PublicJwk } from '../resources.ts';
import { err, ok, type Result } from '../result.ts';
import type { Applied } from './applied.ts';
import type { Command, Pusher } from './commands.ts';
import { invalid, type AdminDenial } from './denial.ts';
import { idleKeys, isIdle } from './jwks.ts';
import { keysChanged, readUploadedKeys, type UploadedKeys } from './key-sets.ts';
import { isPusherDenied } from './pusher-denied.ts';
import { permissionsOf } from './roles.ts';
import type { ApplyContext, ConfigState } from './state.ts';

export const PUSH_PERMISSION = 'iam.workloadIdentityPoolProviders.pushKeys';

/** The one text for everybody who may not push, whatever the reason. */
export function mayNotPush(name: ProviderName): Extract<AdminDenial, { tag: 'permission_denied' }> {
  return { tag: 'permission_denied', permission: PUSH_PERMISSION, resource: providerName(name) };
}

type Push = Extract<Command, { type: 'provider.pushKeys' }>;

export function pushKeys(state: ConfigState, push: Push, context: ApplyContext): Result<Applied, AdminDenial> {
  const { poolId, providerId, pusher, once } = push;
  const { projectNumber } = state.project();
  const name = { projectNumber, poolId, providerId };
  const pool = state.pool(poolId);
  const current = state.provider(poolId, providerId);
  if (pool === undefined || current === undefined) return err({ tag: 'not_found', resource: providerName(name) });
  const { poolUpdateTime, providerUpdateTime } = push.verifiedBy;
  if (pool.updateTime !== poolUpdateTime || current.updateTime !== providerUpdateTime) {
    return err({ tag: 'etag_mismatch', resource: providerName(name) });
  }
  if (state.isTokenUsed(once.key)) return err({ tag: 'bad_credentials' });
  const nowSeconds = Math.floor(Date.parse(context.time) / 1_000);
  const isDenied = isPusherDenied(state, current, pusher, PUSH_PERMISSION, nowSeconds);
  if (isDenied) return err({ ...mayNotPush(name), byDenyRule: true });
  if (!mayPush(state, poolId, pusher)) return err(mayNotPush(name));
  if (current.keySource === 'discovery') {
    const description = 'The keys of this provider come from its issuer by discovery: nobody can push others.';
    return err({ tag: 'failed_precondition', description });
  }
  const set = readUploadedKeys('jwksJson', push.jwksJson, current.distrustedThumbprints, context.thumbprintOf);
  if (!set.ok) return err({ tag: 'invalid_argument', violations: set.error });
  if (!isContinuation(current, set.value, nowSeconds)) {
    return err(
      invalid('jwksJson', 'must keep at least one key that is trusted now, or an administrator uploads it by PATCH'),
    );
  }
  const provider = pushed(current, set.value, nowSeconds, context);
  const alert = keysChanged(name, current, provider);
  return ok({
    answer: {
      kind: 'provider',
      provider,
      warnings: [...set.value.warnings, ...idleKeys(provider.keys, provider.allowedAlgorithms)],
    },
    writes: [
      { put: 'provider', provider },
      { put: 'usedToken', marker: once },
    ],
    shards: [shardKey.provider(projectNumber, poolId, providerId)],
    ...(alert === undefined ? {} : { alert }),
  });
}

/**
 * Only a binding of exactly this agent counts, on the pool or its project: a principalSet would let every pod of a namespace replace the keys
 * of its cluster. A binding with a condition does not count: about this right there is to be no doubt at any hour.
 */
function mayPush(state: ConfigState, poolId: string, pusher: Pusher): boolean {
  const policies = [state.policy({ kind: 'pool', poolId }), state.policy({ kind: 'project' })];
  return policies
    .flatMap((policy) => policy?.bindings ?? [])
    .some(
      ({ role, members, condition }) =>
        condition === undefined &&
        members.some((member) => member.startsWith('principal://') && pusher.memberTexts.includes(member)) &&
        permissionsOf(state, role).includes(PUSH_PERMISSION),
    );
}

/** A thief who can push once cannot shut the cluster out, and a set that fell out of the sky is no rotation. */
function isContinuation(current: Provider, set: UploadedKeys, nowSeconds: number): boolean {
  if ((current.keysExpireAtSeconds ?? Infinity) <= nowSeconds) return false;
  const trusted = current.keys
    .filter((key) => !current.distrustedThumbprints.includes(key.thumbprint))
    .filter((key) => (key.trustedFromSeconds ?? 0) <= nowSeconds)
    .map((key) => key.thumbprint);
  return set.keys.some((key) => trusted.includes(key.thumbprint) && !isIdle(key, current.allowedAlgorithms));
}

function pushed(current: Provider, set: UploadedKeys, nowSeconds: number, context: ApplyContext): Provider {
  const isSame = current.keySource === 'pushed' && current.jwksJson === set.jwksJson;
  return {
    ...current,
    keySource: 'pushed',
    jwksJson: set.jwksJson,
    keys: set.keys.map((key) => heldBack(key, current, nowSeconds)),
    keysUpdateTime: isSame ? current.keysUpdateTime : context.time,
    keysExpireAtSeconds: nowSeconds + current.pushedKeysMaxAgeSeconds,
    updateTime: context.time,
  };
}

/** A key that is here already keeps its time, under whatever name: pushing it again neither shortens nor lengthens the hold. */
function heldBack(key: PublicJwk, current: Provider, nowSeconds: number): PublicJwk {
  const known = current.keys.find(({ thumbprint }) => thumbprint === key.thumbprint);
  const fresh = current.newKeyHoldSeconds > 0 ? nowSeconds + current.newKeyHoldSeconds : undefined;
  const trustedFromSeconds = known === undefined ? fresh : known.trustedFromSeconds;
  return trustedFromSeconds === undefined ? key : { ...key, trustedFromSeconds };
}

/**
 * A provider as it was, but for its keys: one that is distrusted does not come back, whatever it is called; keys that an agent pushed are
 * the cluster's own newest word and stay. That no key stands in for one that was stolen meanwhile is why.
 */
import type { Provider } from '../../resources.ts';
import type { Command, ProviderInput } from '../commands.ts';
import { documentOf, RESTORED_PATHS } from '../providers.ts';
import type { ConfigState } from '../state.ts';
import { type Part, PURGED, uidOf } from './step.ts';

type ProviderId = Pick<Provider, 'poolId' | 'providerId'>;

export function stepsOfProvider(
  state: ConfigState,
  { poolId, providerId }: ProviderId,
  then: Provider | undefined,
): Part {
  const id = { poolId, providerId };
  const live = state.provider(poolId, providerId);
  if (then === undefined || then.expireTime !== undefined) {
    return live === undefined ? {} : { steps: [{ action: 'DELETED', command: { type: 'provider.delete', ...id } }] };
  }
  const now = live ?? state.deletedProvider(poolId, providerId);
  if (now === undefined || uidOf(now) !== uidOf(then)) return { left: PURGED };
  const undelete: Part['steps'] =
    live === undefined ? [{ action: 'UNDELETED', command: { type: 'provider.undelete', ...id } }] : [];
  const keys = keysOf(now, then);
  const patch = patchOf(id, now, then, keys.jwksJson);
  const steps = [...undelete, ...(patch === undefined ? [] : [{ action: 'CHANGED' as const, command: patch }])];
  return { steps, ...(keys.left === undefined ? {} : { left: keys.left }) };
}

/** `jwksJson` absent: the keys stay as they are; empty: they come by discovery. */
function keysOf(now: Provider, then: Provider): { readonly jwksJson?: string; readonly left?: string } {
  if (now.keySource === 'pushed' || then.keySource === 'pushed') {
    return now.jwksJson === then.jwksJson ? {} : { left: 'pushed keys stay as they are' };
  }
  if (then.keySource === 'discovery') return now.keySource === 'discovery' ? {} : { jwksJson: '' };
  // What is distrusted among them verifies nothing as it is.
  if (now.keySource === 'uploaded' && now.jwksJson === then.jwksJson) return {};
  const isTrusted = then.keys.map(({ thumbprint }) => !now.distrustedThumbprints.includes(thumbprint));
  const set: { readonly keys: readonly unknown[] } = JSON.parse(then.jwksJson);
  // The text holds the keys in the order of the rows.
  const keys = set.keys.filter((_key, index) => isTrusted[index] === true);
  const left = isTrusted.includes(false) ? { left: 'distrusted keys do not come back' } : {};
  if (keys.length === 0) return left;
  const jwksJson = left.left === undefined ? then.jwksJson : JSON.stringify({ keys });
  return { jwksJson, ...left };
}

function patchOf(id: ProviderId, now: Provider, then: Provider, jwksJson: string | undefined): Command | undefined {
  const document = documentOf(then);
  if (jwksJson === undefined && JSON.stringify(document) === JSON.stringify(documentOf(now))) return undefined;
  if (then.kind === 'aws') return { type: 'provider.patch', ...id, input: document, mask: ['*'] };
  const { kind } = then;
  const config = { ...document[kind], ...(jwksJson ? { jwksJson } : {}) };
  const input: ProviderInput = { ...document, [kind]: config };
  const inner = ['issuerUri', 'allowedAudiences', ...(jwksJson === undefined ? [] : ['jwksJson'])];
  const mask = [...RESTORED_PATHS, ...inner.map((path) => `${kind}.${path}`)];
  return { type: 'provider.patch', ...id, input, mask };
}

/**
 * A key that is never trusted again, by its thumbprint: its thief cannot bring it back under another name, by push, patch or discovery.
 * There is no command that takes the word back.
 */
import { decodeBase64Url } from '../base64url.ts';
import { providerName } from '../names.ts';
import { shardKey, type Provider } from '../resources.ts';
import { err, ok, type Result } from '../result.ts';
import type { Applied } from './applied.ts';
import { invalid, type AdminDenial } from './denial.ts';
import type { ApplyContext, ConfigState } from './state.ts';

const SHA_256_BYTES = 32;
const MAX_DISTRUSTED = 1_000;

export function distrustKey(
  state: ConfigState,
  wanted: { readonly poolId: string; readonly providerId: string; readonly thumbprint: string },
  context: ApplyContext,
): Result<Applied, AdminDenial> {
  const { poolId, providerId, thumbprint } = wanted;
  const name = { projectNumber: state.project().projectNumber, poolId, providerId };
  // One that is deleted may be undeleted: its keys are shut out as any other's, or the thief waits for that day.
  const current = state.provider(poolId, providerId) ?? state.deletedProvider(poolId, providerId);
  if (current === undefined) return err({ tag: 'not_found', resource: providerName(name) });
  if (decodeBase64Url(thumbprint)?.length !== SHA_256_BYTES) {
    return err(invalid('thumbprint', 'must be an RFC 7638 thumbprint (SHA-256): 43 characters of base64url'));
  }
  if (current.distrustedThumbprints.includes(thumbprint)) {
    return ok({ answer: { kind: 'provider', provider: current, warnings: [] }, writes: [], shards: [] });
  }
  if (current.distrustedThumbprints.length >= MAX_DISTRUSTED) {
    const description = `The provider distrusts ${MAX_DISTRUSTED} keys already, and none of them is ever forgotten. Register the cluster anew.`;
    return err({ tag: 'failed_precondition', description });
  }
  const distrustedThumbprints = [...current.distrustedThumbprints, thumbprint];
  const provider: Provider = { ...current, distrustedThumbprints, updateTime: context.time };
  return ok({
    answer: { kind: 'provider', provider, warnings: lastKeyGone(provider) },
    writes: [{ put: 'provider', provider }],
    shards: [shardKey.provider(name.projectNumber, poolId, providerId)],
    alert: { provider: name, source: provider.keySource, addedThumbprints: [], removedThumbprints: [thumbprint] },
  });
}

/** Which keys discovery holds is not known here. */
function lastKeyGone({ keySource, keys, distrustedThumbprints }: Provider): readonly string[] {
  const isLeft = keys.some((key) => !distrustedThumbprints.includes(key.thumbprint));
  if (keySource === 'discovery' || isLeft) return [];
  return ['No trusted key is left: nobody is let in by this provider until keys are uploaded by PATCH of jwksJson.'];
}

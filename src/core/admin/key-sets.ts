/** Key sets that were handed to us, by upload or by push: how they become rows, and what differs between two of them. */
import type { ProviderName } from '../names.ts';
import type { Provider, PublicJwk } from '../resources.ts';
import { err, ok, type Result } from '../result.ts';
import type { IssuerKeysChanged } from './applied.ts';
import { wrong, type Violations } from './fields.ts';
import { jwksText, readJwks } from './jwks.ts';
import type { ApplyContext } from './state.ts';

export interface UploadedKeys {
  readonly keys: readonly PublicJwk[];
  readonly jwksJson: string;
  readonly warnings: readonly string[];
}

const MAX_UPLOADED_KEYS = 8;

export function readUploadedKeys(
  field: string,
  jwksJson: string,
  distrustedThumbprints: readonly string[],
  thumbprintOf: ApplyContext['thumbprintOf'],
): Result<UploadedKeys, Violations> {
  const keySet = readJwks(jwksJson, MAX_UPLOADED_KEYS);
  if (!keySet.ok) return err(keySet.error.flatMap((sentence) => wrong(field, sentence)));
  const { warnings } = keySet.value;
  const keys = keySet.value.keys.map((key): PublicJwk => ({ ...key, thumbprint: thumbprintOf(key) }));
  // Refused in words although verification would refuse its tokens too: who hands it over does not know that it was stolen.
  const distrusted = keys.filter((key) => distrustedThumbprints.includes(key.thumbprint));
  if (distrusted.length > 0) {
    return err(
      distrusted.flatMap(({ kid }) => wrong(field, `holds the key ${JSON.stringify(kid)}, which is distrusted`)),
    );
  }
  return ok({ keys, jwksJson: jwksText(keySet.value.keys), warnings });
}

/** Undefined where the same keys come from the same place as before: for discovery the issuer is the place. */
export function keysChanged(provider: ProviderName, before: Provider, after: Provider): IssuerKeysChanged | undefined {
  const isElsewhere = after.keySource === 'discovery' && before.issuerUri !== after.issuerUri;
  const isSame = before.keySource === after.keySource && before.jwksJson === after.jwksJson;
  if (isSame && !isElsewhere) return undefined;
  const [had, has] = [thumbprints(before.keys), thumbprints(after.keys)];
  return {
    provider,
    source: after.keySource,
    addedThumbprints: has.filter((thumbprint) => !had.includes(thumbprint)),
    removedThumbprints: had.filter((thumbprint) => !has.includes(thumbprint)),
  };
}

function thumbprints(keys: readonly PublicJwk[]): readonly string[] {
  return [...new Set(keys.map((key) => key.thumbprint))];
}

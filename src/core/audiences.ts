/** For whom a subject token must be made: what `verify` accepts is what a TokenReview asks the cluster for, for there is one list. */
import { IAM_PREFIX, type ProviderName, providerName } from './names.ts';
import type { Provider } from './resources.ts';

/** What the token is shown for: each purpose has an audience of its own. */
export type Purpose = 'exchange' | 'pushKeys' | 'assumeRole';

/** What AWS's clients, and the clusters that serve them, have made out tokens for since long before us (WIRE.md F.5). */
const AWS_AUDIENCE = 'sts.amazonaws.com';

/** A token that may push keys is made for nothing else: an exchange token never pushes, a push token never exchanges. */
export function acceptedAudiences(
  name: ProviderName,
  { allowedAudiences }: Pick<Provider, 'allowedAudiences'>,
  purpose: Purpose,
): readonly string[] {
  if (purpose === 'pushKeys') return ownAudiences(name).map((own) => `${own}:pushKeys`);
  const accepted = allowedAudiences.length > 0 ? allowedAudiences : ownAudiences(name);
  return purpose === 'assumeRole' ? [...new Set([...accepted, AWS_AUDIENCE])] : accepted;
}

const known = new WeakMap<ProviderName, readonly string[]>();

function ownAudiences(name: ProviderName): readonly string[] {
  const before = known.get(name);
  if (before !== undefined) return before;
  const own = `${IAM_PREFIX}${providerName(name)}`;
  const fresh = [own, `https:${own}`];
  known.set(name, fresh);
  return fresh;
}

/** For whom a subject token must be made: what `verify` accepts is what a TokenReview asks the cluster for, for there is one list. */
import { IAM_PREFIX, type ProviderName, providerName } from './names.ts';
import type { Provider } from './resources.ts';

/** What the token is shown for: each purpose has an audience of its own. */
export type Purpose = 'exchange' | 'pushKeys';

/** A token that may push keys is made for nothing else: an exchange token never pushes, a push token never exchanges. */
export function acceptedAudiences(
  name: ProviderName,
  { allowedAudiences }: Pick<Provider, 'allowedAudiences'>,
  purpose: Purpose,
): readonly string[] {
  const own = `${IAM_PREFIX}${providerName(name)}`;
  if (purpose === 'pushKeys') return [`${own}:pushKeys`, `https:${own}:pushKeys`];
  return allowedAudiences.length > 0 ? allowedAudiences : [own, `https:${own}`];
}

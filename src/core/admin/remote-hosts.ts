/** Whom a provider may make us ask, beside its issuer: hosts of keys, and the API server that reviews tokens. */
import { checkFetchUrl, hostFault, type FetchRules } from '../issuer-url.ts';
import type { Provider, TokenReviewOption } from '../resources.ts';
import type { ProviderInput } from './commands.ts';
import { wrong, type Violations } from './fields.ts';
import type { ApplyContext } from './state.ts';

export function fetchRules({ loopbackIssuersAllowed, ownHost }: ApplyContext): FetchRules {
  return { loopbackAllowed: loopbackIssuersAllowed, ownHost };
}

const MAX_JWKS_HOSTS = 10;

export function checkJwksHosts(field: string, hosts: readonly string[]): Violations {
  if (hosts.length > MAX_JWKS_HOSTS) return wrong(field, `holds more than ${MAX_JWKS_HOSTS} hosts`);
  return hosts.flatMap((host, index) => {
    const fault = hostFault(host);
    return fault === undefined ? [] : wrong(`${field}[${index}]`, `${fault}: a host name alone is wanted`);
  });
}

export interface ReviewStanding {
  readonly current?: Provider;
  /** The document says who reviews; otherwise it is as in `current`. */
  readonly namesReview: boolean;
  /** Undefined: there is no such target. */
  readonly targetUid: (targetId: string) => string | undefined;
}

/** The reviewer's credential goes to `url`, so nobody but an API server on a name of its own may stand there. */
export function checkTokenReview(
  field: string,
  tokenReview: ProviderInput['tokenReview'],
  kind: Provider['kind'],
  standing: ReviewStanding,
  context: ApplyContext,
): Violations {
  if (tokenReview === undefined) return [];
  if (kind !== 'kubernetes') return wrong(field, 'is for kubernetes providers only');
  const { url = '', target = '' } = tokenReview;
  const fetchable = checkFetchUrl(url, fetchRules(context));
  const isOrigin = fetchable.ok && fetchable.value.pathname === '/';
  // What is there already may have lost its target since, and must not stand in the way of a patch that disables the provider.
  const isKnown = standing.current?.tokenReview?.targetId === target || standing.targetUid(target) !== undefined;
  return [
    ...(fetchable.ok ? [] : wrong(`${field}.url`, fetchable.error)),
    ...(fetchable.ok && !isOrigin ? wrong(`${field}.url`, 'must be https://HOST without a path') : []),
    ...(isKnown ? [] : wrong(`${field}.target`, 'is no target of this project')),
  ];
}

/** Of an option that was checked. Whoever does not name it leaves it with the target that it was written for. */
export function tokenReviewOf(
  tokenReview: ProviderInput['tokenReview'],
  { current, namesReview, targetUid }: ReviewStanding,
): TokenReviewOption | undefined {
  if (tokenReview === undefined) return undefined;
  if (!namesReview && current?.tokenReview !== undefined) return current.tokenReview;
  const { url = '', target: targetId = '' } = tokenReview;
  const uid = targetUid(targetId);
  return { url, targetId, ...(uid === undefined ? {} : { targetUid: uid }) };
}

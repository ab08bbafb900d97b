/** Of whom an explanation is: a principal proven by a token, with all that conditions can ask, or one of whom only the name is known. */
import { IAM_PREFIX } from '../names.ts';
import { isAnyPoolId, isProjectNumber } from '../names.ts';
import { memberTexts, type Principal } from '../principal.ts';
import { EVERYBODY } from '../resources.ts';
import { certain, type Certainty } from './certainty.ts';

export interface Subject {
  readonly principal: Principal;
  /** False: what its token would say beside the name is not known. */
  readonly isWhole: boolean;
}

const SUBJECT =
  /^principal:\/\/iam\.googleapis\.com\/projects\/([^/]+)\/locations\/global\/workloadIdentityPools\/([^/]+)\/subject\/(.+)$/s;
const SERVICE_ACCOUNT = /^ns\/([^/]+)\/sa\/([^/]+)$/;

/**
 * Undefined where the text is not `principal://…/subject/SUBJECT`. Whether anybody has that name is not asked; where the name is a
 * ServiceAccount's, it is taken for one until `withoutCluster`.
 */
export function namedSubject(text: string): Subject | undefined {
  const [, projectNumber = '', poolId = '', subject = ''] = SUBJECT.exec(text) ?? [];
  if (!isProjectNumber(projectNumber) || !isAnyPoolId(poolId) || subject === '') return undefined;
  const [, namespace, name] = SERVICE_ACCOUNT.exec(subject) ?? [];
  const isServiceAccount = namespace !== undefined && name !== undefined;
  return {
    isWhole: false,
    principal: {
      provider: { projectNumber, poolId, providerId: '' },
      subject,
      groups: [],
      attributes: {},
      ...(isServiceAccount ? { kubernetes: { namespace, serviceAccount: { name, uid: '' }, cluster: '' } } : {}),
      claims: {},
    },
  };
}

/** Whatever its name looks like, a principal of a pool without clusters is no ServiceAccount and in no namespace. */
export function withoutCluster({ isWhole, principal }: Subject): Subject {
  const { provider, subject, groups, attributes, claims } = principal;
  return { isWhole, principal: { provider, subject, groups, attributes, claims } };
}

/** Selectors that only a token decides. */
const ONLY_BY_TOKEN = ['kubernetes.serviceaccount.uid/', 'kubernetes.cluster/', 'group/', 'attribute.'];

export type Membership = (member: string) => Certainty;

/** A token may hold thousands of groups, and the policies name thousands of members: who the subject is, is spelled out once for all of them. */
export function membershipOf({ principal, isWhole }: Subject): Membership {
  const texts = memberTexts(principal);
  const { projectNumber, poolId } = principal.provider;
  const pool = `${IAM_PREFIX}projects/${projectNumber}/locations/global/workloadIdentityPools/${poolId}/`;
  return (member) => {
    if (member === EVERYBODY || texts.has(member)) return 'yes';
    if (isWhole) return 'no';
    const [, selector] = member.split(pool);
    const mayBe = selector !== undefined && ONLY_BY_TOKEN.some((prefix) => selector.startsWith(prefix));
    return mayBe ? 'unknown' : certain(false);
  };
}

/** What of `request.workload` the name alone tells. */
const TOLD_BY_NAME = ['request.workload.subject', 'request.workload.namespace', 'request.workload.serviceaccount.name'];

/** Does the value of this attribute hang on what is not known? */
export function hangsOnToken(attribute: string, { isWhole }: Subject): boolean {
  return !isWhole && attribute.includes('request.workload') && !TOLD_BY_NAME.includes(attribute);
}

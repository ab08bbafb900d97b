/** Principal: what a verified token becomes. From here on nobody decides by claims, but for conditions that ask for them by name. */
import { HotMap } from './hot-map.ts';
import type { JsonObject } from './json.ts';
import type { KubernetesIdentity } from './kubernetes.ts';
import { IAM_PREFIX, poolName, type ProviderName } from './names.ts';

export interface Principal {
  readonly provider: ProviderName;
  /** `google.subject`; `ns/NAMESPACE/sa/NAME` for clusters. */
  readonly subject: string;
  readonly groups: readonly string[];
  readonly attributes: Readonly<Record<string, string>>;
  readonly kubernetes?: KubernetesIdentity & { readonly cluster: string };
  /** Of the verified subject token: what conditions see as `request.workload.claims`. */
  readonly claims: JsonObject;
  /** RFC 7638, of the key that signed the subject token, where it is known: a distrusted key takes its tokens along. */
  readonly keyThumbprint?: string | undefined;
}

/** The full name, as it stands in the minted token's `principal` claim and in the audit line. */
export function principalIdentifier(principal: Principal): string {
  return textsOf(principal).identifier;
}

/**
 * Every member text that means this principal (WIRE.md B.6). Bindings are compared with these byte for byte, so that no
 * parser stands between what was written and who is let in.
 */
export function memberTexts(principal: Principal): ReadonlySet<string> {
  return textsOf(principal).members;
}

interface Texts {
  readonly identifier: string;
  readonly members: ReadonlySet<string>;
}

/** An exchange asks for them five times, one time after the other. */
let last: { readonly principal: Principal; readonly texts: Texts } | undefined;

function textsOf(principal: Principal): Texts {
  if (last?.principal === principal) return last.texts;
  const texts = isBareWorkload(principal) ? textsOfWorkload(principal) : textsByKey(principal);
  last = { principal, texts };
  return texts;
}

type BareWorkload = Principal & Required<Pick<Principal, 'kubernetes'>>;

/** Of a cluster, and nothing was mapped: the texts are made of six names. */
function isBareWorkload(principal: Principal): principal is BareWorkload {
  const { kubernetes, groups, attributes } = principal;
  if (kubernetes === undefined || groups.length > 0) return false;
  for (const name in attributes) if (Object.hasOwn(attributes, name)) return false;
  return true;
}

/** A workload's pods come again and again, and what is said of the texts (`named-on-target.ts`) hangs on them. */
const knownWorkloads = new HotMap<{ readonly workload: BareWorkload; readonly texts: Texts }>(5_000);

function textsOfWorkload(workload: BareWorkload): Texts {
  const { uid } = workload.kubernetes.serviceAccount;
  const known = knownWorkloads.get(uid);
  // A uid is what some cluster says: another one may say the same, of somebody else, who is then found by all of his names.
  if (known !== undefined) return haveSameTexts(known.workload, workload) ? known.texts : textsByKey(workload);
  const texts = madeTexts(workload);
  if (uid.length <= MAX_UID_CHARACTERS) knownWorkloads.set(uid, { workload: withoutClaims(workload), texts });
  return texts;
}

const MAX_UID_CHARACTERS = 128;

function haveSameTexts(a: BareWorkload, b: BareWorkload): boolean {
  return (
    a.subject === b.subject &&
    a.provider.projectNumber === b.provider.projectNumber &&
    a.provider.poolId === b.provider.poolId &&
    a.kubernetes.namespace === b.kubernetes.namespace &&
    a.kubernetes.serviceAccount.name === b.kubernetes.serviceAccount.name &&
    a.kubernetes.serviceAccount.uid === b.kubernetes.serviceAccount.uid &&
    a.kubernetes.cluster === b.kubernetes.cluster
  );
}

/** Nothing of a token is kept but the names. */
function withoutClaims({ provider, subject, kubernetes }: BareWorkload): BareWorkload {
  const { namespace, serviceAccount, cluster } = kubernetes;
  return {
    provider,
    subject,
    groups: [],
    attributes: {},
    kubernetes: { namespace, serviceAccount, cluster },
    claims: {},
  };
}

const knownTexts = new HotMap<Texts>(5_000);
const MAX_KEY_CHARACTERS = 1_024;

function textsByKey(principal: Principal): Texts {
  const key = memberKey(principal);
  const known = knownTexts.get(key);
  if (known !== undefined) return known;
  const texts = madeTexts(principal);
  if (key.length <= MAX_KEY_CHARACTERS) knownTexts.set(key, texts);
  return texts;
}

/** Everything that the texts are made of, and nothing that can be read in two ways. */
function memberKey({
  provider: { projectNumber, poolId },
  subject,
  groups,
  attributes,
  kubernetes,
}: Principal): string {
  const own = kubernetes && [
    kubernetes.namespace,
    kubernetes.serviceAccount.name,
    kubernetes.serviceAccount.uid,
    kubernetes.cluster,
  ];
  return JSON.stringify([projectNumber, poolId, subject, groups, attributes, own]);
}

function madeTexts(principal: Principal): Texts {
  const pool = poolPrefix(principal);
  const identifier = `principal:${pool}/subject/${principal.subject}`;
  const texts = new Set([identifier, `principalSet:${pool}/*`]);
  for (const group of principal.groups) texts.add(`principalSet:${pool}/group/${group}`);
  for (const [name, value] of Object.entries(principal.attributes))
    texts.add(`principalSet:${pool}/attribute.${name}/${value}`);
  const { kubernetes } = principal;
  if (kubernetes) {
    texts.add(`principal:${pool}/kubernetes.serviceaccount.uid/${kubernetes.serviceAccount.uid}`);
    texts.add(`principalSet:${pool}/namespace/${kubernetes.namespace}`);
    texts.add(`principalSet:${pool}/kubernetes.cluster/${kubernetes.cluster}`);
    // The legacy form exists for the built-in pool only, whose id is PROJECT_ID.svc.id.goog.
    if (principal.provider.poolId.endsWith('.svc.id.goog')) {
      texts.add(
        `serviceAccount:${principal.provider.poolId}[${kubernetes.namespace}/${kubernetes.serviceAccount.name}]`,
      );
    }
  }
  return { identifier, members: texts };
}

/** How the member texts begin that mean a principal by its groups or attributes, which a mapping made. */
export function mappedPrefixes(principal: Principal): readonly string[] {
  const pool = poolPrefix(principal);
  return [`principalSet:${pool}/group/`, `principalSet:${pool}/attribute.`];
}

function poolPrefix(principal: Principal): string {
  return `${IAM_PREFIX}${poolName(principal.provider.projectNumber, principal.provider.poolId)}`;
}

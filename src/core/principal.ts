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
  const key = memberKey(principal);
  let texts = knownTexts.get(key);
  if (texts === undefined) {
    texts = madeTexts(principal);
    if (key.length <= MAX_KEY_CHARACTERS) knownTexts.set(key, texts);
  }
  last = { principal, texts };
  return texts;
}

/** A workload's pods come again and again, and what is said of the texts (`named-on-target.ts`) hangs on them. */
const knownTexts = new HotMap<Texts>(5_000);
const MAX_KEY_CHARACTERS = 1_024;

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

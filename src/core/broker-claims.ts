/**
 * What a token for the broker itself says beside the claims that every token has: enough to know again, without the subject token, whom the
 * policies mean. It says who its bearer is and never what he may do.
 */
import type { WorkloadIdentity } from './admin/caller.ts';
import { isJsonObject, type JsonObject, type JsonValue } from './json.ts';
import { parseProviderName } from './names.ts';
import { type Principal, principalIdentifier } from './principal.ts';
import { OWN_CLAIM } from './own-claim.ts';
import { limitsIn } from './token-limits.ts';

/** With everything else that such a token holds it stays below what a token may have; a principal of more groups than fit is not refused for it. */
const MAX_MAPPED_BYTES = 4_096;

export function brokerClaims({ groups, attributes, keyThumbprint }: Principal): JsonObject {
  const mapped = {
    ...(groups.length > 0 ? { groups } : {}),
    ...(Object.keys(attributes).length > 0 ? { attributes } : {}),
  };
  const isWhole = new TextEncoder().encode(JSON.stringify(mapped)).length <= MAX_MAPPED_BYTES;
  return {
    [OWN_CLAIM]: {
      ...(keyThumbprint === undefined ? {} : { key: keyThumbprint }),
      whole: isWhole,
      ...(isWhole ? mapped : {}),
    },
  };
}

/** Of the verified claims of such a token; undefined where they do not fit together. `issuerPrefix`: PUBLIC_ORIGIN and a slash. */
export function holderIn(claims: JsonObject, publicOrigin: string): WorkloadIdentity | undefined {
  const { iss, sub, client_id: clientId } = claims;
  const provider = typeof clientId === 'string' ? parseProviderName(clientId) : undefined;
  if (provider === undefined || typeof sub !== 'string') return undefined;
  if (iss !== `${publicOrigin}/${provider.projectNumber}/${provider.poolId}`) return undefined;
  const own = claims[OWN_CLAIM];
  const said = isJsonObject(own) ? own : {};
  const kubernetes = kubernetesIn(claims['kubernetes.io']);
  const principal: Principal = {
    provider,
    subject: sub,
    groups: textsIn(said['groups']),
    attributes: textMapIn(said['attributes']),
    ...(kubernetes === undefined ? {} : { kubernetes }),
    claims: {},
    ...(typeof said['key'] === 'string' ? { keyThumbprint: said['key'] } : {}),
  };
  if (claims['principal'] !== principalIdentifier(principal)) return undefined;
  const limits = limitsIn(claims);
  return limits && { kind: 'workload', principal, isWhole: said['whole'] === true, ...limits };
}

function kubernetesIn(claim: JsonValue | undefined): Principal['kubernetes'] | undefined {
  if (!isJsonObject(claim)) return undefined;
  const { namespace, cluster } = claim;
  const serviceAccount = namedIn(claim['serviceaccount']);
  const pod = namedIn(claim['pod']);
  const node = nodeIn(claim['node']);
  if (typeof namespace !== 'string' || typeof cluster !== 'string' || serviceAccount === undefined) return undefined;
  return { namespace, serviceAccount, cluster, ...(pod ? { pod } : {}), ...(node ? { node } : {}) };
}

function namedIn(claim: JsonValue | undefined): { readonly name: string; readonly uid: string } | undefined {
  if (!isJsonObject(claim)) return undefined;
  const { name, uid } = claim;
  return typeof name === 'string' && typeof uid === 'string' ? { name, uid } : undefined;
}

function nodeIn(claim: JsonValue | undefined): { readonly name: string; readonly uid?: string } | undefined {
  if (!isJsonObject(claim)) return undefined;
  const { name, uid } = claim;
  if (typeof name !== 'string') return undefined;
  return typeof uid === 'string' ? { name, uid } : { name };
}

function textsIn(claim: JsonValue | undefined): readonly string[] {
  return Array.isArray(claim) ? claim.filter((one): one is string => typeof one === 'string') : [];
}

function textMapIn(claim: JsonValue | undefined): Readonly<Record<string, string>> {
  if (!isJsonObject(claim)) return {};
  return Object.fromEntries(
    Object.entries(claim).flatMap(([name, value]) => (typeof value === 'string' ? [[name, value] as const] : [])),
  );
}

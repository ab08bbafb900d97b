/** What a ServiceAccount token says of its workload (WIRE.md G.1), read strictly: `sub` and `kubernetes.io` must tell the same story. */
import type { Check } from './denial.ts';
import { isJsonObject, type JsonObject, type JsonValue } from './json.ts';
import type { DeniedUid } from './resources.ts';
import { err, ok, type Result } from './result.ts';

interface Named {
  readonly name: string;
  readonly uid: string;
}

export interface KubernetesIdentity {
  readonly namespace: string;
  readonly serviceAccount: Named;
  readonly pod?: Named;
  readonly node?: { readonly name: string; readonly uid?: string };
}

const NAMESPACE = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;
const DNS_SUBDOMAIN = /^(?=.{1,253}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const UID = /^[A-Za-z0-9_.-]{1,128}$/;

export function isNamespace(text: string): boolean {
  return NAMESPACE.test(text);
}

export function isServiceAccountName(text: string): boolean {
  return DNS_SUBDOMAIN.test(text);
}

/** As the subject of a ServiceAccount is written, `ns/NAMESPACE/sa/NAME`: no cluster's token becomes another. */
export function isServiceAccountSubject(text: string): boolean {
  const [ns, namespace = '', sa, name = '', ...rest] = text.split('/');
  return ns === 'ns' && sa === 'sa' && rest.length === 0 && isNamespace(namespace) && isServiceAccountName(name);
}

/** Secret-bound tokens of before 1.24: no expiry, no audience, flat claims. They never die, so they are never taken. */
export function looksLegacy(claims: JsonObject): boolean {
  return (
    claims['iss'] === 'kubernetes/serviceaccount' || Object.hasOwn(claims, 'kubernetes.io/serviceaccount/namespace')
  );
}

/** The identity, or which rule failed. Names are checked by Kubernetes' own grammar: they go into identifiers that hold slashes. */
export function kubernetesClaims(claims: JsonObject): Result<KubernetesIdentity, Check> {
  const own = claims['kubernetes.io'];
  if (!isJsonObject(own)) return err('kubernetes_claims');
  const namespace = own['namespace'];
  const serviceAccount = named(own['serviceaccount']);
  if (typeof namespace !== 'string' || !NAMESPACE.test(namespace) || serviceAccount === undefined) {
    return err('kubernetes_claims');
  }
  const pod = own['pod'] === undefined ? undefined : named(own['pod']);
  const node = own['node'] === undefined ? undefined : nodeOf(own['node']);
  if ((own['pod'] !== undefined && pod === undefined) || (own['node'] !== undefined && node === undefined)) {
    return err('kubernetes_claims');
  }
  if (claims['sub'] !== `system:serviceaccount:${namespace}:${serviceAccount.name}`) return err('subject_disagrees');
  return ok({ namespace, serviceAccount, ...(pod ? { pod } : {}), ...(node ? { node } : {}) });
}

/** The uid of this workload that an administrator has shut out for now: ServiceAccount, pod or node. */
export function deniedUidOf(
  { serviceAccount, pod, node }: KubernetesIdentity,
  deniedUids: readonly DeniedUid[],
  nowSeconds: number,
): string | undefined {
  const uids = [serviceAccount.uid, pod?.uid, node?.uid];
  return deniedUids.find(({ uid, untilSeconds }) => untilSeconds > nowSeconds && uids.includes(uid))?.uid;
}

function named(value: JsonValue | undefined): Named | undefined {
  if (!isJsonObject(value)) return undefined;
  const { name, uid } = value;
  if (typeof name !== 'string' || !DNS_SUBDOMAIN.test(name) || typeof uid !== 'string' || !UID.test(uid))
    return undefined;
  return { name, uid };
}

/** A node may come without a uid: the API server leaves it out where it does not know it. */
function nodeOf(value: JsonValue): KubernetesIdentity['node'] {
  if (!isJsonObject(value)) return undefined;
  const { name, uid } = value;
  if (typeof name !== 'string' || !DNS_SUBDOMAIN.test(name)) return undefined;
  if (uid === undefined || uid === '') return { name };
  return typeof uid === 'string' && UID.test(uid) ? { name, uid } : undefined;
}

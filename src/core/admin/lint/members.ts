/** Members that no principal can ever be: what `memberTexts` makes of a token is held against what was written. */
import { isNamespace, isServiceAccountName, isServiceAccountSubject } from '../../kubernetes.ts';
import { legacyMemberOf, parseMember, poolMemberOf, type Member } from '../../members.ts';
import { builtInPoolId } from '../../names.ts';
import type { Project } from '../../resources.ts';
import type { PoolFacts, PoolReader } from './pool-facts.ts';

export interface MemberProblem {
  readonly why: string;
  /** No pool, provider or mapping that may still come makes anybody match: the member is wrong as it is written. */
  readonly isFinal: boolean;
}

/** Why nobody matches this member, which is a valid one; undefined where somebody may. `opensTargets`: the role it is bound to does. */
export function memberProblem(
  text: string,
  project: Pick<Project, 'projectId' | 'projectNumber'>,
  opensTargets: boolean,
  poolOf: PoolReader,
): MemberProblem | undefined {
  const member = parseMember(text);
  if (!member.ok) return undefined;
  const { kind } = member.value;
  const stranger = STRANGERS.get(kind);
  if (stranger !== undefined) return opensTargets ? never(stranger) : undefined;
  const named = placeOf(text, project);
  if (named === undefined) return undefined;
  if (named.elsewhere) {
    return opensTargets
      ? never("the pool is another project's, and an exchange reaches targets of its own project only")
      : undefined;
  }
  const { poolId, selector } = named;
  const pool = poolOf(poolId);
  if (pool?.kind === 'kubernetes') return clusterProblem(kind, poolId, selector, pool);
  if (pool?.kind === 'oidc') return mappedProblem(kind, poolId, selector, pool);
  const problem = problemInAnyPool(kind, poolId, selector, poolId === builtInPoolId(project.projectId));
  if (problem !== undefined) return problem;
  return notYet(pool === undefined ? `the pool ${poolId} does not exist` : `the pool ${poolId} has no provider yet`);
}

function never(why: string): MemberProblem {
  return { why, isFinal: true };
}

function notYet(why: string): MemberProblem {
  return { why, isFinal: false };
}

/** What is wrong whichever kind of provider the pool will get; the built-in pool takes clusters only. */
function problemInAnyPool(
  kind: Member['kind'],
  poolId: string,
  selector: string,
  isBuiltIn: boolean,
): MemberProblem | undefined {
  const inClusters = clusterProblem(kind, poolId, selector);
  if (isBuiltIn || KUBERNETES_ONLY.has(kind) || inClusters === undefined) return inClusters;
  return mappedProblem(kind, poolId, selector);
}

/** Members that may be written, as at Google, and that no exchange makes: today each principal comes out of a pool. */
const STRANGERS: ReadonlyMap<Member['kind'], string> = new Map([
  ['workforce', 'there are no workforce pools here'],
  ['deleted', 'a deleted member is nobody any more'],
  ['user', 'users get no tokens for targets here; principals of a pool do'],
  ['service_account', 'service accounts get no tokens for targets here; principals of a pool do'],
]);

interface Place {
  readonly elsewhere: boolean;
  readonly poolId: string;
  /** What stands after the pool. */
  readonly selector: string;
}

function placeOf(text: string, project: Pick<Project, 'projectId' | 'projectNumber'>): Place | undefined {
  const named = poolMemberOf(text);
  if (named !== undefined) return { ...named, elsewhere: named.projectNumber !== project.projectNumber };
  const legacy = legacyMemberOf(text);
  if (legacy === undefined) return undefined;
  const { projectId, namespace, name } = legacy;
  return {
    elsewhere: projectId !== project.projectId,
    poolId: builtInPoolId(projectId),
    selector: `${namespace}/${name}`,
  };
}

function clusterProblem(
  kind: Member['kind'],
  poolId: string,
  selector: string,
  pool?: PoolFacts,
): MemberProblem | undefined {
  const value = selector.slice(selector.indexOf('/') + 1);
  switch (kind) {
    case 'subject':
      return isServiceAccountSubject(value)
        ? undefined
        : never(`subjects of the clusters in ${poolId} are written ns/NAMESPACE/sa/NAME`);
    case 'namespace':
      return isNamespace(value) ? undefined : never('no Kubernetes namespace can be called that');
    case 'legacy_kubernetes': {
      const [namespace = '', name = ''] = selector.split('/');
      return isNamespace(namespace) && isServiceAccountName(name)
        ? undefined
        : never('no Kubernetes ServiceAccount can be called that');
    }
    case 'cluster': {
      const details = pool?.details();
      return details === undefined || details.clusterUris.has(value)
        ? undefined
        : notYet(`no provider of the pool ${poolId} has this clusterUri`);
    }
    case 'group':
    case 'attribute':
      return never(`the pool ${poolId} holds clusters, which map no groups and no attributes`);
    default:
      return undefined;
  }
}

const KUBERNETES_ONLY: ReadonlySet<Member['kind']> = new Set([
  'namespace',
  'cluster',
  'serviceAccountUid',
  'legacy_kubernetes',
]);
const MAX_SUBJECT_BYTES = 127;

function mappedProblem(
  kind: Member['kind'],
  poolId: string,
  selector: string,
  pool?: PoolFacts,
): MemberProblem | undefined {
  if (KUBERNETES_ONLY.has(kind)) return never(`the pool ${poolId} holds no clusters: only their workloads are told so`);
  if (kind === 'subject') {
    const { length } = new TextEncoder().encode(selector.slice('subject/'.length));
    return length <= MAX_SUBJECT_BYTES ? undefined : never(`a subject has at most ${MAX_SUBJECT_BYTES} bytes`);
  }
  const key = kind === 'group' ? 'google.groups' : selector.slice(0, selector.indexOf('/'));
  if (kind !== 'group' && kind !== 'attribute') return undefined;
  const details = pool?.details();
  return details === undefined || details.mapped.has(key)
    ? undefined
    : notYet(`no provider of the pool ${poolId} maps ${key}`);
}

/** getIamPolicy and setIamPolicy on the organization, projects, pools, targets and service accounts. */
import { SET_POLICY } from '../../core/admin/authority/needs.ts';
import type { Caller } from '../../core/admin/caller.ts';
import type { PolicyInput, PolicyResource } from '../../core/admin/commands.ts';
import { invalid, type AdminDenial } from '../../core/admin/denial.ts';
import { replacesEverything } from '../../core/admin/mask.ts';
import { isJsonObject, type JsonObject } from '../../core/json.ts';
import type { Policy } from '../../core/resources.ts';
import { err, ok, type Result } from '../../core/result.ts';
import { parseBody } from '../body-shape.ts';
import { camelCase } from './mask.ts';
import { needs, type Needs } from './needs.ts';
import { renderPolicy, renderWritten } from './policy-view.ts';
import { inProject, type RestContext } from './project-scope.ts';
import { getPolicy, setPolicy, withoutOutputOnly } from './schemas.ts';
import type { Call, Route } from './table.ts';

/** One resource's policy, read and written. */
interface PolicyDoor {
  readonly read: () => Promise<Result<Policy, AdminDenial>>;
  readonly write: (input: PolicyInput) => Promise<Result<Written, AdminDenial>>;
}

interface Written {
  readonly policy: Policy;
  readonly warnings: readonly string[];
}

type Verb = (call: Call, door: PolicyDoor) => Promise<Result<JsonObject, AdminDenial>>;

const PROJECT = 'projects/{project}';
const RESOURCES: readonly {
  readonly path: string;
  readonly kind: PolicyResource['kind'];
  readonly of: (call: Call) => PolicyResource;
}[] = [
  { path: PROJECT, kind: 'project', of: () => ({ kind: 'project' }) },
  {
    path: `${PROJECT}/locations/global/workloadIdentityPools/{pool}`,
    kind: 'pool',
    of: (call) => ({ kind: 'pool', poolId: call.param('pool') }),
  },
  {
    path: `${PROJECT}/targets/{target}`,
    kind: 'target',
    of: (call) => ({ kind: 'target', targetId: call.param('target') }),
  },
  {
    path: `${PROJECT}/serviceAccounts/{account}`,
    kind: 'serviceAccount',
    of: (call) => ({ kind: 'serviceAccount', accountId: call.param('accountId') }),
  },
];

type Kind = 'organization' | PolicyResource['kind'];

const readsPolicy: Record<Kind, Needs> = {
  organization: needs('organization', 'resourcemanager.organizations.getIamPolicy'),
  project: needs('project', 'resourcemanager.projects.getIamPolicy'),
  pool: needs('pool', 'iam.workloadIdentityPools.getIamPolicy'),
  target: needs('target', 'sts.targets.getIamPolicy'),
  serviceAccount: needs('serviceAccount', 'iam.serviceAccounts.getIamPolicy'),
};

const writesPolicy: Record<Kind, Needs> = {
  organization: needs('organization', SET_POLICY.organization),
  project: needs('project', SET_POLICY.project),
  pool: needs('pool', SET_POLICY.pool),
  target: needs('target', SET_POLICY.target),
  serviceAccount: needs('serviceAccount', SET_POLICY.serviceAccount),
};

export function policyRoutes(context: RestContext): readonly Route[] {
  const verbs: readonly { readonly name: string; readonly verb: Verb; readonly needs: Record<Kind, Needs> }[] = [
    { name: 'getIamPolicy', verb: get, needs: readsPolicy },
    { name: 'setIamPolicy', verb: set, needs: writesPolicy },
  ];
  return verbs.flatMap(({ name, verb, needs: wanted }): readonly Route[] => [
    {
      method: 'POST',
      path: `organizations/1:${name}`,
      needs: wanted.organization,
      handle: (call) => verb(call, organizationDoor(context, call.caller)),
    },
    ...RESOURCES.map(({ path, kind, of }): Route => ({
      method: 'POST',
      path: `${path}:${name}`,
      needs: wanted[kind],
      handle: inProject(context, (view, call) =>
        verb(call, projectDoor(context, view.projectNumber, of(call), call.caller)),
      ),
    })),
  ]);
}

function organizationDoor({ admin }: RestContext, caller: Caller): PolicyDoor {
  return {
    read: () => admin.organizationPolicy(),
    write: async (input) => {
      const policy = await admin.setOrganizationPolicy(input, caller);
      return policy.ok ? ok({ policy: policy.value, warnings: [] }) : policy;
    },
  };
}

function projectDoor(
  { admin }: RestContext,
  projectNumber: string,
  resource: PolicyResource,
  caller: Caller,
): PolicyDoor {
  return {
    read: async () => {
      const answer = written(await admin.read(projectNumber, { type: 'policy.get', resource }));
      return answer.ok ? ok(answer.value.policy) : answer;
    },
    write: async (policy) =>
      written(await admin.apply(projectNumber, { type: 'policy.set', resource, policy }, caller)),
  };
}

function written(answer: Awaited<ReturnType<RestContext['admin']['read']>>): Result<Written, AdminDenial> {
  if (!answer.ok) return answer;
  if (answer.value.kind !== 'policy')
    throw new Error(`a question about a policy was answered with a ${answer.value.kind}`);
  const { policy, warnings = [] } = answer.value;
  return ok({ policy, warnings });
}

const VERSIONS = [0, 1, 3];

async function get(call: Call, door: PolicyDoor): Promise<Result<JsonObject, AdminDenial>> {
  const wanted = parseBody(getPolicy, call.body);
  if (!wanted.ok) return wanted;
  const version = wanted.value.options?.requestedPolicyVersion ?? 0;
  if (!VERSIONS.includes(version)) return err(invalid('options.requestedPolicyVersion', 'must be 0, 1 or 3'));
  const policy = await door.read();
  return policy.ok ? ok(renderPolicy(policy.value, version)) : policy;
}

const MASK_PATHS = ['bindings', 'etag', 'version'];

async function set(call: Call, door: PolicyDoor): Promise<Result<JsonObject, AdminDenial>> {
  const wanted = parseBody(setPolicy, { ...call.body, ...cleanedPolicy(call.body['policy']) });
  if (!wanted.ok) return wanted;
  const paths = (wanted.value.updateMask ?? '').split(',').map((path) => camelCase(path.trim()));
  const named = paths.filter((path) => path !== '');
  const unknown = replacesEverything(named) ? undefined : named.find((path) => !MASK_PATHS.includes(path));
  if (unknown !== undefined) return err(invalid('updateMask', `unknown path "${unknown}"`));
  // Bindings are all that a policy has; and its etag counts whatever the mask says, or a mask would switch the comparison off.
  if (named.length > 0 && !named.includes('bindings') && !replacesEverything(named))
    return err(invalid('updateMask', 'must name bindings'));
  const answer = await door.write(wanted.value.policy);
  return answer.ok ? ok(renderWritten(answer.value.policy, answer.value.warnings)) : answer;
}

/** Of the output-only members the etag counts on a policy: it says which one the writer had read. */
export function cleanedPolicy(policy: JsonObject[string] | undefined): JsonObject {
  if (!isJsonObject(policy)) return {};
  const { etag } = policy;
  return { policy: { ...withoutOutputOnly(policy, ['warnings']), ...(etag === undefined ? {} : { etag }) } };
}

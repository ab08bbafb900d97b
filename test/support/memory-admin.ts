/** AdminPort over MemoryConfig: every rule is the real one, only the store forgets. */
import type { Above } from '../../src/core/admin/authority/above.ts';
import { administratorsOf, policiesNaming } from '../../src/core/admin/authority/administrative-pools.ts';
import { applyAs } from '../../src/core/admin/authority/apply-as.ts';
import { refusalOfOrganizationPolicy } from '../../src/core/admin/authority/escalation.ts';
import { type Rights, rightsOf } from '../../src/core/admin/authority/rights.ts';
import { type Caller, THE_BROKER } from '../../src/core/admin/caller.ts';
import type { AdminPort, SigningKeyInfo } from '../../src/core/admin/port.ts';
import { setOrganizationPolicy } from '../../src/core/admin/policies.ts';
import { proposalOn } from '../../src/core/admin/propose.ts';
import { validateNewProject } from '../../src/core/admin/projects.ts';
import { read } from '../../src/core/admin/read.ts';
import { differences, pageOfDifferences } from '../../src/core/admin/history/compare.ts';
import type { ApplyContext } from '../../src/core/admin/state.ts';
import { explain } from '../../src/core/explain/explain.ts';
import { questionOf } from '../../src/core/explain/question.ts';
import { createPolicyCompiler } from '../../src/core/policy/cache.ts';
import { EMPTY_POLICY, type Policy } from '../../src/core/resources.ts';
import { err, ok } from '../../src/core/result.ts';
import { thumbprintOf } from '../../src/platform/thumbprint.ts';
import { MemoryConfig, pageOf } from './memory-config.ts';

export interface MemoryAdmin extends AdminPort {
  /** Who changed what, in order. */
  readonly history: { readonly actor: string; readonly type: string }[];
  /** One project as it stands. */
  stateOf(projectNumber: string): MemoryConfig | undefined;
}

/** Each change is a second later than the one before. */
export function createMemoryAdmin(startMs: number = Date.UTC(2026, 0, 1)): MemoryAdmin {
  const configs = new Map<string, MemoryConfig>();
  const history: { actor: string; type: string }[] = [];
  let organization: Policy | undefined;
  let epoch = 0;
  let uids = 0;
  let keys: readonly SigningKeyInfo[] = [keyInfo('key-1', 'ACTIVE'), keyInfo('key-2', 'NEXT')];

  const context = (caller: Caller): ApplyContext => ({
    time: new Date(startMs + epoch * 1_000).toISOString(),
    epoch: ++epoch,
    caller,
    newUid: () => `uid-${++uids}`,
    loopbackIssuersAllowed: false,
    ownHost: 'sts.example.com',
    thumbprintOf,
  });
  const config = (projectNumber: string): MemoryConfig => {
    const found = configs.get(projectNumber);
    if (found === undefined) throw new Error(`no project ${projectNumber}`);
    return found;
  };
  const compiler = createPolicyCompiler(100);
  const above = (projectNumber: string): Above => ({
    organizationPolicy: organization ?? EMPTY_POLICY,
    namedByProjects: [...configs].flatMap(([number, state]) =>
      number === projectNumber ? [] : [...administratorsOf(state, policiesNaming(state))],
    ),
  });
  const rightsIn = ({ identity }: Caller, projectNumber: string | undefined): Rights => {
    const nowSeconds = Math.floor((startMs + epoch * 1_000) / 1_000);
    const world = { organizationPolicy: organization ?? EMPTY_POLICY, nowSeconds, compiler };
    return rightsOf(identity, projectNumber === undefined ? undefined : config(projectNumber), world);
  };
  const projects = () => [...configs.values()].map((one) => one.project());

  return {
    history,
    stateOf: (projectNumber) => configs.get(projectNumber),
    findProject: async (named) =>
      ok(projects().find(({ projectId, projectNumber }) => projectId === named || projectNumber === named)),
    createProject: async (input, caller) => {
      const valid = validateNewProject(input);
      if (!valid.ok) return valid;
      const projectNumber = input.projectNumber ?? String(900_000_000_000 + configs.size);
      if (projects().some((one) => one.projectId === input.projectId || one.projectNumber === projectNumber)) {
        return err({ tag: 'already_exists', resource: `projects/${input.projectId}` });
      }
      const now = context(caller);
      const { projectId, displayName = '' } = input;
      const project = { projectNumber, projectId, displayName, tokenExchangesPerMinute: 6_000, createTime: now.time };
      configs.set(projectNumber, new MemoryConfig(project, now));
      history.push({ actor: caller.name, type: 'project.create' });
      return ok(project);
    },
    listProjects: async (page) => {
      const shownOnes = projects().filter((one) => page.showDeleted === true || one.expireTime === undefined);
      const found = pageOf(shownOnes, { ...page, pageSize: page.pageSize + 1 }, (one) => one.projectNumber);
      const shown = found.slice(0, page.pageSize);
      return ok({ projects: shown, next: found.length > shown.length ? (shown.at(-1)?.projectNumber ?? '') : '' });
    },
    apply: async (projectNumber, command, caller) => {
      const state = config(projectNumber);
      const applied = applyAs(state, command, context(caller), above(projectNumber), compiler);
      if (!applied.ok) return applied;
      state.commit(applied.value.writes);
      history.push({ actor: caller.name, type: command.type });
      return ok(applied.value.answer);
    },
    stage: async (projectNumber, staged, caller) => {
      config(projectNumber).stage(staged, caller.name);
      return ok(null);
    },
    held: async (caller, permissions, at) => {
      const rights = rightsIn(caller, at?.projectNumber);
      const where = at?.resource ?? ({ kind: 'organization' } as const);
      return ok(permissions.filter((permission) => rights.may(permission, where)));
    },
    retireBootstrapToken: async () => ok(null),
    read: async (projectNumber, query) => read(config(projectNumber), query),
    explain: async (projectNumber, asked) => {
      const state = config(projectNumber);
      const question = questionOf(asked, {
        state,
        project: state.projectShard(),
        target: (targetId) => state.targetShard(targetId),
      });
      return question.ok ? ok(explain(question.value, createPolicyCompiler(100))) : question;
    },
    propose: async (projectNumber, resource, input) => {
      const state = config(projectNumber);
      return proposalOn(state, state.projectShard(), resource, input, context(THE_BROKER));
    },
    targetShards: async (projectNumber, targetIds) =>
      ok(targetIds.map((targetId) => config(projectNumber).targetShard(targetId) ?? null)),
    usage: async () => ok({ points: [], lost: 0, nowMs: 0 }),
    recentExchanges: async () => ok({ records: [], dropped: 0 }),
    issuerKeysStatus: async () => ok(undefined),
    organizationPolicy: async () => ok(organization ?? EMPTY_POLICY),
    setOrganizationPolicy: async (input, caller) => {
      const policy = setOrganizationPolicy(organization, input, context(caller));
      if (!policy.ok) return policy;
      const rights = rightsIn(caller, undefined);
      const refusal = refusalOfOrganizationPolicy(organization?.bindings ?? [], policy.value.bindings, rights);
      if (refusal !== undefined) return err(refusal);
      organization = policy.value;
      history.push({ actor: caller.name, type: 'organization.policy.set' });
      return policy;
    },
    readHistory: async (projectNumber, query) => {
      const state = projectNumber === undefined ? undefined : config(projectNumber);
      const entries = (state?.entries ?? []).map((entry) => ({
        ...entry,
        time: '2026-01-01T00:00:00.000Z',
        actor: 'test',
        address: '',
        requestId: '',
        command: 'test',
      }));
      const at = (sequence: number) => entries.find((entry) => entry.sequence === sequence);
      const missing = err({ tag: 'not_found', resource: 'history' } as const);
      switch (query.type) {
        case 'list':
          return ok({ kind: 'entries', entries: entries.toReversed().slice(0, query.pageSize), faults: [] });
        case 'show': {
          const entry = at(query.sequence);
          return entry === undefined ? missing : ok({ kind: 'entry', entry, faults: [] });
        }
        case 'compare': {
          const [from, to] = [at(query.from), at(query.to ?? entries.length)];
          if (from === undefined || to === undefined) return missing;
          const between = entries.filter(({ epoch: one }) => one > from.epoch && one <= to.epoch);
          return ok({ kind: 'differences', ...pageOfDifferences(differences(between), query), faults: [] });
        }
      }
    },
    restoreOrganizationPolicy: async () => ok([]),
    signingKeys: async () => ok(keys),
    rotateSigningKeys: async (_projectNumber, { alg = 'ES256', emergency = false }, caller) => {
      const old = emergency ? 'DISTRUSTED' : 'RETIRING';
      const moved = keys.map((key) => ({ ...key, state: key.state === 'NEXT' ? ('ACTIVE' as const) : old }) as const);
      keys = [...moved, keyInfo(`key-${keys.length + 1}`, 'NEXT', alg)];
      history.push({ actor: caller.name, type: 'keys.rotate' });
      return ok(keys);
    },
    quotaUsage: async (projectNumber, quotaId) =>
      quotaId.startsWith('Credential')
        ? ok({ limitPerMinute: 0, countedPermits: 0 })
        : ok({ limitPerMinute: config(projectNumber).project().tokenExchangesPerMinute, countedPermits: 42 }),
  };
}

function keyInfo(kid: string, state: SigningKeyInfo['state'], alg: SigningKeyInfo['alg'] = 'ES256'): SigningKeyInfo {
  const times = {
    publishTime: '2026-01-01T00:00:00.000Z',
    signFrom: '2026-01-02T00:15:00.000Z',
    signUntil: '2026-04-01T00:00:00.000Z',
  };
  return { kid, alg, state, ...times };
}

/** The administration's port over the objects: configuration from Registry, keys from KeyRing, usage from Quota. */
import type { Answer, Command } from '../../core/admin/commands.ts';
import type { AdminDenial } from '../../core/admin/denial.ts';
import type { AdminPort, QuotaUse } from '../../core/admin/port.ts';
import { CREDENTIAL_GENERATIONS } from '../../core/admin/quotas.ts';
import type { Denial } from '../../core/denial.ts';
import { projectName } from '../../core/names.ts';
import type { RecentPage } from '../../core/recent.ts';
import type { UsagePage, UsageWanted } from '../../core/usage-page.ts';
import type { Project } from '../../core/resources.ts';
import { err, ok, type Result } from '../../core/result.ts';
import { isAccountRing, projectOfRing, ringOf } from '../../core/rings.ts';
import type { IssuerKeys } from '../issuer-keys/object.ts';
import type { KeyRing } from '../keys/object.ts';
import { DIRECTORY_NAME, projectRegistryName } from '../object-names.ts';
import type { Registry } from '../registry/object.ts';
import { within } from '../within.ts';
import { retirementOf } from './bootstrap.ts';
import { visibleProjects } from './visible-projects.ts';

/** For a look at an issuer's keys; the object goes on without us. */
const REFRESH_PATIENCE_MS = 1_000;

/** RSA keys are made with it. */
const RING_PATIENCE_MS = 5_000;

export interface AdminObjects {
  readonly registry: DurableObjectNamespace<Registry>;
  readonly keyRing: DurableObjectNamespace<KeyRing>;
  readonly issuerKeys: DurableObjectNamespace<IssuerKeys>;
  readonly usage: (projectNumber: string) => Promise<Result<QuotaUse, Denial>>;
  /** Of service accounts' credentials; a project that never had an account has a limit of 0 there. */
  readonly credentialUsage: (projectNumber: string) => Promise<Result<QuotaUse, Denial>>;
  readonly bootstrapToken: string;
  /** Something of this project was changed, or may have been. */
  readonly changed: (projectNumber: string) => void;
  /** Rejects where nobody answers. */
  readonly recentExchanges: (
    projectNumber: string,
    page: { readonly before?: string; readonly maxRecords: number },
  ) => Promise<RecentPage>;
  /** Rejects where nobody answers. */
  readonly usagePoints: (projectNumber: string, wanted: UsageWanted) => Promise<UsagePage>;
}

export function createAdminPort(objects: AdminObjects): AdminPort {
  const directory = (): DurableObjectStub<Registry> => objects.registry.getByName(DIRECTORY_NAME);
  const project = (projectNumber: string): DurableObjectStub<Registry> =>
    objects.registry.getByName(projectRegistryName(projectNumber));
  // As `issuer-keys/discovered.ts` names them.
  const issuerKeys = (projectNumber: string, poolId: string, providerId: string): DurableObjectStub<IssuerKeys> =>
    objects.issuerKeys.getByName(`${projectNumber}/${poolId}/${providerId}`);
  const ring = (name: string): DurableObjectStub<KeyRing> => objects.keyRing.getByName(name);

  return {
    findProject: (idOrNumber) => asking('directory', async () => ok(await directory().findProject(idOrNumber))),
    createProject: (input, caller) => asking('directory', () => directory().createProject(input, caller)),
    listProjects: (page, caller) =>
      asking('directory', async () => {
        const shown = await visibleProjects(objects.registry, page, caller);
        if (!shown.ok) return shown;
        const rows = await Promise.all(shown.value.projects.map((one) => readProject(one.projectNumber)));
        // A page may be shorter than it was asked for, as everywhere at Google.
        const isShown = (row: Project): boolean => page.showDeleted === true || row.expireTime === undefined;
        return ok({ projects: rows.filter((row) => row !== undefined).filter(isShown), next: shown.value.next });
      }),
    held: (caller, permissions, at) =>
      asking('directory', async () =>
        at === undefined
          ? ok(await directory().heldOnOrganization(caller, permissions))
          : project(at.projectNumber).held(caller, permissions, at.resource),
      ),
    retireBootstrapToken: (caller) =>
      asking('directory', async () =>
        directory().retireBootstrapToken(await retirementOf(objects.bootstrapToken), caller),
      ),
    apply: async (projectNumber, command, caller) => {
      const answer = await asking('registry', () => project(projectNumber).apply(command, caller));
      objects.changed(projectNumber);
      if (answer.ok) await fetchSoon(projectNumber, command, answer.value);
      if (answer.ok && command.type === 'serviceAccount.create') await makeRingSoon(projectNumber);
      return answer;
    },
    stage: (projectNumber, staged, caller) => asking('registry', () => project(projectNumber).stage(staged, caller)),
    read: (projectNumber, query) => asking('registry', () => project(projectNumber).read(query)),
    explain: (projectNumber, asked) => asking('registry', () => project(projectNumber).explain(asked)),
    propose: (projectNumber, resource, input) =>
      asking('registry', () => project(projectNumber).propose(resource, input)),
    targetShards: (projectNumber, targetIds) =>
      asking('registry', () => project(projectNumber).targetShards(targetIds)),
    recentExchanges: (projectNumber, page) =>
      asking('quota', async () => ok(await objects.recentExchanges(projectNumber, page))),
    usage: (projectNumber, wanted) => asking('quota', async () => ok(await objects.usagePoints(projectNumber, wanted))),
    issuerKeysStatus: (projectNumber, poolId, providerId) =>
      asking('issuer_keys', async () => ok(await issuerKeys(projectNumber, poolId, providerId).status())),
    organizationPolicy: () => asking('directory', async () => ok(await directory().organizationPolicy())),
    setOrganizationPolicy: (input, caller) =>
      asking('directory', () => directory().setOrganizationPolicy(input, caller)),
    readHistory: (projectNumber, query) =>
      projectNumber === undefined
        ? asking('directory', () => directory().history(query))
        : asking('registry', () => project(projectNumber).history(query)),
    restoreOrganizationPolicy: (sequence, validateOnly, caller) =>
      asking('directory', () => directory().restoreOrganizationPolicy(sequence, validateOnly, caller)),
    signingKeys: (name) =>
      asking('key_ring', async () => {
        const keys = await ring(name).list();
        return keys === undefined ? err(noSuch(name)) : ok(keys);
      }),
    rotateSigningKeys: async (name, input, caller) => {
      const projectNumber = projectOfRing(name);
      const answer = await asking('key_ring', () => project(projectNumber).rotateSigningKeys(name, input, caller));
      objects.changed(projectNumber);
      return answer;
    },
    quotaUsage: (projectNumber, quotaId) =>
      asking('quota', async () => {
        const isCredentials = quotaId === CREDENTIAL_GENERATIONS.quotaId;
        const usage = await (isCredentials ? objects.credentialUsage : objects.usage)(projectNumber);
        return usage.ok ? usage : err(away('quota'));
      }),
  };

  /** The issuer is asked while the administrator still looks; whether it answers is not his change's affair. */
  async function fetchSoon(projectNumber: string, command: Command, answer: Answer): Promise<void> {
    if (command.type !== 'provider.create' && command.type !== 'provider.patch') return;
    if (answer.kind !== 'provider' || answer.provider.keySource !== 'discovery') return;
    try {
      await within(REFRESH_PATIENCE_MS, issuerKeys(projectNumber, command.poolId, command.providerId).refresh());
    } catch {
      // Its own alarm, or the first token that needs a key, asks again.
    }
  }

  /** So that the accounts' issuer has keys to show before it signs. Where that fails the first signature makes them. */
  async function makeRingSoon(projectNumber: string): Promise<void> {
    const name = ringOf.accountTokens(projectNumber);
    try {
      await within(RING_PATIENCE_MS, objects.keyRing.getByName(name).create(name));
    } catch {
      // See above.
    }
  }

  async function readProject(projectNumber: string): Promise<Project | undefined> {
    const answer = await project(projectNumber).read({ type: 'project.get' });
    return answer.ok && answer.value.kind === 'project' ? answer.value.project : undefined;
  }
}

/** An object that is away, or fails, is said to be; a write of which nothing was heard may or may not have been saved. */
async function asking<T>(
  dependency: string,
  question: () => Promise<Result<T, AdminDenial>>,
): Promise<Result<T, AdminDenial>> {
  try {
    return await question();
  } catch {
    return err(away(dependency));
  }
}

function away(dependency: string): AdminDenial {
  return {
    tag: 'unavailable',
    dependency,
    description: 'The service is currently unavailable. Read the resource before repeating a change.',
  };
}

function noSuch(ring: string): AdminDenial {
  const project = projectName(projectOfRing(ring));
  return { tag: 'not_found', resource: isAccountRing(ring) ? `${project}: nothing was signed yet` : project };
}

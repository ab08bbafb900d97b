/** What a scrape reads: three objects a project, and one for each provider whose issuer is asked; within bounds, and whatever answers. */
import type { IssuerFigures, MetricsPart, MetricsPort, ProjectFigures, RegistryFigures } from '../../core/metrics.ts';
import { ok } from '../../core/result.ts';
import type { IssuerKeys } from '../issuer-keys/object.ts';
import type { KeyRing } from '../keys/object.ts';
import { projectRegistryName } from '../object-names.ts';
import type { Quota } from '../quota/object.ts';
import type { Registry } from '../registry/object.ts';
import { DIRECTORY_AWAY } from '../standing.ts';
import { within } from '../within.ts';
import { visibleProjects } from './visible-projects.ts';

const PATIENCE_MS = 5_000;
const PROJECTS_AT_ONCE = 10;
/** IssuerKeys objects that one scrape asks, of all its projects. */
const MAX_ISSUERS_ASKED = 200;

const RIGHTS = { shown: 'sts.metrics.get', refusedFor: 'sts.metrics.get' } as const;

interface MetricsObjects {
  readonly registry: DurableObjectNamespace<Registry>;
  readonly quota: DurableObjectNamespace<Quota>;
  readonly keyRing: DurableObjectNamespace<KeyRing>;
  readonly issuerKeys: DurableObjectNamespace<IssuerKeys>;
}

type ProjectIds = Parameters<MetricsPort['read']>[0][number];
type ProviderKeys = RegistryFigures['providers'][number];

export function createMetricsPort({ registry, quota, keyRing, issuerKeys }: MetricsObjects): MetricsPort {
  return {
    async visible(maxProjects, caller) {
      try {
        const shown = await visibleProjects(registry, { pageSize: maxProjects, after: '' }, caller, RIGHTS);
        return shown.ok ? ok({ projects: shown.value.projects, isCut: shown.value.next !== '' }) : shown;
      } catch {
        return { ok: false, error: DIRECTORY_AWAY };
      }
    },
    async read(projects) {
      const budget = { issuers: MAX_ISSUERS_ASKED };
      const all: ProjectFigures[] = [];
      for (let at = 0; at < projects.length; at += PROJECTS_AT_ONCE) {
        const some = projects.slice(at, at + PROJECTS_AT_ONCE);
        all.push(...(await Promise.all(some.map((one) => readProject(one, budget)))));
      }
      return all;
    },
  };

  async function readProject(
    { projectNumber, projectId }: ProjectIds,
    budget: { issuers: number },
  ): Promise<ProjectFigures> {
    const failures: Record<MetricsPart, number> = { registry: 0, quota: 0, key_ring: 0, issuer_keys: 0 };
    const asked = async <T>(part: MetricsPart, question: () => Promise<T>): Promise<T | undefined> => {
      try {
        return await within(PATIENCE_MS, question());
      } catch {
        failures[part] += 1;
        return undefined;
      }
    };
    const [configured, counted, ring] = await Promise.all([
      asked('registry', async () => registry.getByName(projectRegistryName(projectNumber)).figures()),
      asked('quota', async () => quota.getByName(projectNumber).figures()),
      asked('key_ring', async () => keyRing.getByName(projectNumber).figures()),
    ]);
    const issuers: IssuerFigures[] = [];
    let isCut = configured?.isCut ?? false;
    // One after the other: a project with many clusters must not ask all of them for itself at once.
    for (const provider of configured?.providers ?? []) {
      if (provider.keySource !== 'discovery') issuers.push(ownKeys(provider));
      else if (budget.issuers === 0) isCut = true;
      else {
        budget.issuers -= 1;
        // As `issuer-keys/discovered.ts` names them.
        const name = `${projectNumber}/${provider.poolId}/${provider.providerId}`;
        const status = await asked('issuer_keys', async () => ({ now: await issuerKeys.getByName(name).status() }));
        if (status !== undefined) issuers.push(discovered(provider, status.now));
      }
    }
    return {
      projectId,
      ...(counted === undefined ? {} : { quota: counted }),
      ...(ring === undefined ? {} : { keyRing: ring }),
      ...(configured === undefined ? {} : { savedEpoch: configured.epoch }),
      issuers,
      failures,
      isCut,
    };
  }
}

function ownKeys({ poolId, providerId, keySource, ...keys }: ProviderKeys): IssuerFigures {
  const { keyCount, keysUpdateTime, keysExpireAtSeconds } = keys;
  return {
    poolId,
    providerId,
    source: keySource,
    keyCount,
    updateTime: keysUpdateTime,
    ...(keysExpireAtSeconds === undefined ? {} : { expireTime: new Date(keysExpireAtSeconds * 1_000).toISOString() }),
  };
}

function discovered(
  { poolId, providerId }: ProviderKeys,
  status: Awaited<ReturnType<IssuerKeys['status']>>,
): IssuerFigures {
  const { keys = [], lastSuccessTime, staleAfterTime, failuresInARow = 0 } = status ?? {};
  return {
    poolId,
    providerId,
    source: 'discovery',
    keyCount: keys.length,
    ...(lastSuccessTime === undefined ? {} : { updateTime: lastSuccessTime }),
    ...(staleAfterTime === undefined ? {} : { expireTime: staleAfterTime }),
    failuresInARow,
  };
}

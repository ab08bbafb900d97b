/** Figures → metric families. Labels are ids of projects, pools, providers and keys and words of ours: never a principal, whose number nobody bounds, never a token. */
import type { IssuerFigures, ProjectFigures, QuotaFigures } from '../../core/metrics.ts';
import type { Family, Labels, Sample } from './openmetrics.ts';

export interface Scrape {
  readonly projects: readonly ProjectFigures[];
  /** There are more projects than were read. */
  readonly isCut: boolean;
  readonly nowMs: number;
}

export function metricFamilies({ projects, isCut, nowMs }: Scrape): readonly Family[] {
  const ofProjects = (valueOf: (project: ProjectFigures) => number | undefined): readonly Sample[] =>
    projects.flatMap((project) => sample({ project: project.projectId }, valueOf(project)));
  const ofQuota = (valueOf: (quota: QuotaFigures) => number | undefined): readonly Sample[] =>
    ofProjects(({ quota }) => quota && valueOf(quota));
  const ofIssuers = (valueOf: (one: IssuerFigures) => number | '' | undefined): readonly Sample[] =>
    projects.flatMap(({ projectId, issuers }) =>
      issuers.flatMap((one) => {
        const labels = { project: projectId, pool: one.poolId, provider: one.providerId, source: one.source };
        return sample(labels, valueOf(one));
      }),
    );
  return [
    {
      name: 'edge_sts_exchanges',
      type: 'counter',
      help: 'Exchanges by how they ended: outcome and reason of the audit line. About half a minute behind.',
      samples: projects.flatMap(exchangesOf),
    },
    gauge(
      'edge_sts_lost_exchanges',
      'Exchanges that ended and were not counted. What was only late is taken off again.',
      ofQuota((quota) => quota.lostExchanges),
    ),
    gauge(
      'edge_sts_quota_limit_per_minute',
      'Exchanges a minute that are admitted.',
      ofQuota((quota) => quota.limitPerMinute),
    ),
    gauge(
      'edge_sts_quota_counted_permits',
      'Permits that count against the limit now, handed out in leases or used.',
      ofQuota((quota) => quota.countedPermits),
    ),
    seconds(
      'edge_sts_quota_refusals_start_seconds',
      'In how long refusals start at the rate of the last seconds. Absent: not at all.',
      ofQuota(({ refusalsStartInMs }) => refusalsStartInMs && refusalsStartInMs / 1_000),
    ),
    gauge(
      'edge_sts_configuration_saved_epoch',
      'Epoch of the newest change that is saved.',
      ofProjects((one) => one.savedEpoch),
    ),
    gauge(
      'edge_sts_configuration_epoch',
      'Epoch of the newest change that is in force. Behind the saved one: changes are not delivered.',
      ofQuota((quota) => quota.epoch),
    ),
    seconds(
      'edge_sts_signing_key_age_seconds',
      'Time since one of our own keys was published.',
      projects.flatMap(ownKeysOf(nowMs)),
    ),
    gauge(
      'edge_sts_key_ring_failures',
      'Tries of the key ring to rotate or to announce that failed, in a row.',
      ofProjects(({ keyRing }) => keyRing?.failuresInARow),
    ),
    gauge(
      'edge_sts_issuer_keys',
      'Keys that the tokens of a provider may be signed with.',
      ofIssuers((one) => one.keyCount),
    ),
    seconds(
      'edge_sts_issuer_keys_age_seconds',
      'Time since the keys of a provider were fetched, pushed or uploaded with success.',
      ofIssuers(({ updateTime }) => updateTime && (nowMs - Date.parse(updateTime)) / 1_000),
    ),
    seconds(
      'edge_sts_issuer_keys_last_success_timestamp_seconds',
      'When they were.',
      ofIssuers(({ updateTime }) => updateTime && Date.parse(updateTime) / 1_000),
    ),
    seconds(
      'edge_sts_issuer_keys_expire_timestamp_seconds',
      'When fetched or pushed keys are too old to trust.',
      ofIssuers(({ expireTime }) => expireTime && Date.parse(expireTime) / 1_000),
    ),
    gauge(
      'edge_sts_issuer_keys_failures',
      'Attempts to fetch the keys of an issuer that failed, in a row.',
      ofIssuers((one) => one.failuresInARow),
    ),
    gauge(
      'edge_sts_scrape_failures',
      'Objects that did not answer this scrape: what they know is missing in it.',
      projects.flatMap(({ projectId, failures }) =>
        Object.entries(failures).flatMap(([part, count]) => sample({ project: projectId, part }, count)),
      ),
    ),
    gauge('edge_sts_scrape_projects', 'Projects that this scrape read.', sample({}, projects.length)),
    gauge('edge_sts_scrape_cut', '1 where there is more than one scrape reads: then ask by ?project=.', [
      ...sample({ what: 'projects' }, Number(isCut)),
      ...sample({ what: 'providers' }, Number(projects.some((project) => project.isCut))),
    ]),
  ];
}

function gauge(name: string, help: string, samples: readonly Sample[]): Family {
  return { name, type: 'gauge', help, samples };
}

function seconds(name: string, help: string, samples: readonly Sample[]): Family {
  return { ...gauge(name, help, samples), unit: 'seconds' };
}

function sample(labels: Labels, value: number | '' | undefined): readonly Sample[] {
  return typeof value === 'number' ? [{ labels, value }] : [];
}

function exchangesOf({ projectId, quota }: ProjectFigures): readonly Sample[] {
  const { exchanges } = quota ?? {};
  if (exchanges === undefined) return [];
  return Object.entries(exchanges.byReason).map(([reason, value]) => ({
    labels: { project: projectId, outcome: reason === 'granted' ? 'granted' : 'refused', reason },
    value,
    createdMs: exchanges.sinceMs,
  }));
}

function ownKeysOf(nowMs: number): (project: ProjectFigures) => readonly Sample[] {
  return ({ projectId, keyRing }) =>
    (keyRing?.keys ?? []).map(({ kid, alg, state, publishTime }) => ({
      labels: { project: projectId, kid, alg, state },
      value: (nowMs - Date.parse(publishTime)) / 1_000,
    }));
}

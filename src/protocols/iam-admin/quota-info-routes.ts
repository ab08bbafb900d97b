/** `quotaInfos`: what the limits are, until when, and how much of them is used. */
import type { AdminDenial } from '../../core/admin/denial.ts';
import { QUOTAS, quotaKind, TOKEN_EXCHANGES, type QuotaKind } from '../../core/admin/quotas.ts';
import type { JsonObject } from '../../core/json.ts';
import type { Project } from '../../core/resources.ts';
import { err, ok, type Result } from '../../core/result.ts';
import { needs } from './needs.ts';
import { inProject, type RestContext } from './project-scope.ts';
import { nextPageToken, readPage } from './query.ts';
import { quotaInfoName, renderQuotaInfo } from './quota-view.ts';
import type { Route } from './table.ts';

const QUOTA_INFOS = 'projects/{project}/locations/global/services/sts/quotaInfos';
const MAX_PAGE_SIZE = 100;

export function quotaInfoRoutes(context: RestContext): readonly Route[] {
  const { admin } = context;
  return [
    {
      method: 'GET',
      path: QUOTA_INFOS,
      needs: needs('project', 'cloudquotas.quotas.get'),
      query: ['pageSize', 'pageToken'],
      handle: inProject(context, async ({ projectNumber }, { query }) => {
        const page = readPage(query, MAX_PAGE_SIZE);
        if (!page.ok) return page;
        const { after, pageSize } = page.value;
        const found = QUOTAS.filter((quota) => quota.quotaId > after);
        const shown = found.slice(0, pageSize);
        const infos = await infosOf(projectNumber, shown);
        if (!infos.ok) return infos;
        const next = found.length > shown.length ? (shown.at(-1)?.quotaId ?? '') : '';
        return ok({ quotaInfos: infos.value, ...nextPageToken(next) });
      }),
    },
    {
      method: 'GET',
      path: `${QUOTA_INFOS}/{quota}`,
      needs: needs('project', 'cloudquotas.quotas.get'),
      handle: inProject(context, async ({ projectNumber }, { param }) => {
        const quota = quotaKind(param('quota'));
        if (quota === undefined) {
          const name = quotaInfoName(projectNumber, param('quota'));
          return err({
            tag: 'not_found',
            resource: `${name}; there are ${QUOTAS.map((one) => one.quotaId).join(', ')}`,
          });
        }
        const infos = await infosOf(projectNumber, [quota]);
        return infos.ok ? ok(infos.value[0] ?? {}) : infos;
      }),
    },
  ];

  async function infosOf(
    projectNumber: string,
    quotas: readonly QuotaKind[],
  ): Promise<Result<readonly JsonObject[], AdminDenial>> {
    const project = await projectOf(projectNumber);
    if (!project.ok) return project;
    const infos: JsonObject[] = [];
    for (const quota of quotas) {
      const counted = await admin.quotaUsage(projectNumber, quota.quotaId);
      if (!counted.ok) return counted;
      // Whoever counts credentials hears of a project with its first account.
      const isTold = quota === TOKEN_EXCHANGES || counted.value.limitPerMinute > 0;
      infos.push(renderQuotaInfo(project.value, quota, isTold ? counted.value : undefined));
    }
    return ok(infos);
  }

  async function projectOf(projectNumber: string): Promise<Result<Project, AdminDenial>> {
    const answer = await admin.read(projectNumber, { type: 'project.get' });
    if (!answer.ok) return answer;
    if (answer.value.kind !== 'project') throw new Error(`a project was answered with a ${answer.value.kind}`);
    return ok(answer.value.project);
  }
}

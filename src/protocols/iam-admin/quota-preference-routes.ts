/** `quotaPreferences`: a tenant asks, changes and withdraws; an administrator of the organization approves or refuses. */
import { invalid } from '../../core/admin/denial.ts';
import type { JsonObject } from '../../core/json.ts';
import { isJsonObject } from '../../core/json.ts';
import { err, ok } from '../../core/result.ts';
import { parseBody } from '../body-shape.ts';
import { renderAnswer } from './answers.ts';
import { readEtag } from './body.ts';
import { readMask } from './mask.ts';
import { needs } from './needs.ts';
import { asking, changing, inProject, type RestContext } from './project-scope.ts';
import { readPage, type Query } from './query.ts';
import { renderQuotaPreference } from './quota-view.ts';
import { quotaApproval, quotaRefusal, quotaWish } from './schemas.ts';
import type { Call, Route } from './table.ts';

const PREFERENCES = 'projects/{project}/locations/global/quotaPreferences';
const PREFERENCE = `${PREFERENCES}/{preference}`;
const MAX_PAGE_SIZE = 100;
/** Google's checks guard against lowering by mistake; here a person looks at every wish, so there are none to ignore. */
const SAFETY = 'ignoreSafetyChecks';

export function quotaPreferenceRoutes(context: RestContext): readonly Route[] {
  return [
    {
      method: 'POST',
      path: PREFERENCES,
      needs: needs('project', 'cloudquotas.quotas.update'),
      query: ['quotaPreferenceId', SAFETY],
      handle: changing(context, ask),
    },
    {
      method: 'GET',
      path: PREFERENCES,
      needs: needs('project', 'cloudquotas.quotas.get'),
      query: ['pageSize', 'pageToken'],
      handle: asking(context, list),
    },
    {
      method: 'GET',
      path: PREFERENCE,
      needs: needs('project', 'cloudquotas.quotas.get'),
      query: ['view'],
      handle: inProject(context, async (view, { param, query }) => {
        const isFull = readView(query);
        if (!isFull.ok) return isFull;
        const answer = await context.admin.read(view.projectNumber, {
          type: 'quotaPreference.get',
          preferenceId: param('preference'),
        });
        if (!answer.ok) return answer;
        if (answer.value.kind !== 'quotaPreference') return ok(renderAnswer(answer.value, view));
        return ok(renderQuotaPreference(answer.value.preference, view.projectNumber, isFull.value));
      }),
    },
    {
      method: 'PATCH',
      path: PREFERENCE,
      needs: needs('project', 'cloudquotas.quotas.update'),
      query: ['updateMask', 'allowMissing', SAFETY],
      handle: changing(context, change),
    },
    {
      method: 'DELETE',
      path: PREFERENCE,
      needs: needs('project', 'cloudquotas.quotas.update'),
      query: ['etag'],
      handle: changing(context, withdraw),
    },
    {
      method: 'POST',
      path: `${PREFERENCE}:approve`,
      needs: needs('organization', 'cloudquotas.quotas.approve'),
      handle: changing(context, approve),
    },
    {
      method: 'POST',
      path: `${PREFERENCE}:refuse`,
      needs: needs('organization', 'cloudquotas.quotas.approve'),
      handle: changing(context, refuse),
    },
  ];
}

function ask({ query, body }: Call) {
  const input = parseBody(quotaWish, wishIn(body));
  if (!input.ok) return input;
  const preferenceId = query.get('quotaPreferenceId') ?? '';
  return ok({ type: 'quotaPreference.ask', preferenceId, input: input.value } as const);
}

function list({ query }: Call) {
  const page = readPage(query, MAX_PAGE_SIZE);
  return page.ok ? ok({ type: 'quotaPreference.list', page: page.value } as const) : page;
}

function change({ param, query, body }: Call) {
  const input = parseBody(quotaWish, wishIn(body));
  if (!input.ok) return input;
  const etag = readEtag(body);
  if (!etag.ok) return etag;
  const allowMissing = query.get('allowMissing') ?? 'false';
  if (allowMissing !== 'true' && allowMissing !== 'false') {
    return err(invalid('allowMissing', 'must be true or false'));
  }
  return ok({
    type: 'quotaPreference.change',
    preferenceId: param('preference'),
    input: input.value,
    mask: readMask(query.get('updateMask'), input.value),
    ...etag.value,
    allowMissing: allowMissing === 'true',
  } as const);
}

function withdraw({ param, query }: Call) {
  const etag = query.get('etag');
  const preferenceId = param('preference');
  return ok({ type: 'quotaPreference.withdraw', preferenceId, ...(etag === undefined ? {} : { etag }) } as const);
}

function approve({ param, body }: Call) {
  const verdict = parseBody(quotaApproval, body);
  if (!verdict.ok) return verdict;
  return ok({ type: 'quotaPreference.approve', preferenceId: param('preference'), verdict: verdict.value } as const);
}

function refuse({ param, body }: Call) {
  const verdict = parseBody(quotaRefusal, body);
  if (!verdict.ok) return verdict;
  return ok({ type: 'quotaPreference.refuse', preferenceId: param('preference'), verdict: verdict.value } as const);
}

const OUTPUT_ONLY = ['name', 'state', 'etag', 'reconciling', 'createTime', 'updateTime', 'events'];
const OUTPUT_ONLY_OF_CONFIG = ['stateDetail', 'grantedValue', 'traceId', 'requestOrigin'];

/** What was read can be sent back. `expireTime` is the caller's here, other than on most resources. */
function wishIn(body: JsonObject): JsonObject {
  const wish = without(body, OUTPUT_ONLY);
  const { quotaConfig } = wish;
  return isJsonObject(quotaConfig) ? { ...wish, quotaConfig: without(quotaConfig, OUTPUT_ONLY_OF_CONFIG) } : wish;
}

function without(document: JsonObject, members: readonly string[]): JsonObject {
  return Object.fromEntries(Object.entries(document).filter(([member]) => !members.includes(member)));
}

function readView(query: Query) {
  const view = query.get('view') ?? 'BASIC';
  return view === 'BASIC' || view === 'FULL' ? ok(view === 'FULL') : err(invalid('view', 'must be BASIC or FULL'));
}

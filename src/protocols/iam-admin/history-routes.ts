/** The history over REST: list, show, compare, restore, of a project and of the organization's policy. Ours; Google has nothing of the kind. */
import type { HistoryAnswer, HistoryQuery } from '../../core/admin/history/entry.ts';
import { invalid, type AdminDenial } from '../../core/admin/denial.ts';
import type { JsonObject } from '../../core/json.ts';
import { err, ok, type Result } from '../../core/result.ts';
import { parseBody } from '../body-shape.ts';
import type { View } from './answers.ts';
import { renderHistory } from './history-view.ts';
import { needs } from './needs.ts';
import { changing, inProject, type RestContext } from './project-scope.ts';
import { type Query, readPage } from './query.ts';
import { renderRestored } from './render.ts';
import { restore } from './schemas.ts';
import type { Call, Route } from './table.ts';

const MAX_PAGE_SIZE = 200;

type Question = (call: Call) => Result<HistoryQuery, AdminDenial>;

export function historyRoutes(context: RestContext): readonly Route[] {
  const { admin, publicOrigin } = context;
  const answered = async (
    call: Call,
    question: Question,
    view: View | undefined,
  ): Promise<Result<JsonObject, AdminDenial>> => {
    const query = question(call);
    if (!query.ok) return query;
    const answer: Result<HistoryAnswer, AdminDenial> = await admin.readHistory(view?.projectNumber, query.value);
    return answer.ok ? ok(renderHistory(answer.value, view, publicOrigin)) : answer;
  };
  const places = [
    {
      path: 'projects/{project}',
      on: 'project',
      ask: (question: Question) => inProject(context, (view, call) => answered(call, question, view)),
      restore: changing(context, (call) => {
        const sequence = readSequence(call.param('sequence'), 'sequence');
        if (!sequence.ok) return sequence;
        const input = parseBody(restore, call.body);
        if (!input.ok) return input;
        const { validateOnly = false, ...what } = input.value;
        return ok({ type: 'history.restore', sequence: sequence.value, validateOnly, ...what });
      }),
    },
    {
      path: 'organizations/1',
      on: 'organization',
      ask: (question: Question) => (call: Call) => answered(call, question, undefined),
      restore: async (call: Call): Promise<Result<JsonObject, AdminDenial>> => {
        const sequence = readSequence(call.param('sequence'), 'sequence');
        if (!sequence.ok) return sequence;
        const input = parseBody(restore, call.body);
        if (!input.ok) return input;
        const { validateOnly = false, resource = ORGANIZATION_POLICY } = input.value;
        if (resource !== ORGANIZATION_POLICY) return err(invalid('resource', `must be ${ORGANIZATION_POLICY}`));
        const steps = await admin.restoreOrganizationPolicy(sequence.value, validateOnly, call.caller);
        return steps.ok ? ok(renderRestored(steps.value)) : steps;
      },
    },
  ] as const;
  return places.flatMap(({ path, on, ask, restore: handle }): readonly Route[] => [
    {
      method: 'GET',
      path: `${path}/history`,
      needs: needs(on, 'sts.history.list'),
      query: ['pageSize', 'pageToken', 'resource'],
      handle: ask(list),
    },
    {
      method: 'GET',
      path: `${path}/history:compare`,
      needs: needs(on, 'sts.history.get'),
      query: ['from', 'to', 'pageSize', 'pageToken'],
      handle: ask(compare),
    },
    {
      method: 'GET',
      path: `${path}/history/{sequence}`,
      needs: needs(on, 'sts.history.get'),
      handle: ask((call) => {
        const sequence = readSequence(call.param('sequence'), 'sequence');
        return sequence.ok ? ok({ type: 'show', sequence: sequence.value }) : sequence;
      }),
    },
    {
      method: 'POST',
      path: `${path}/history/{sequence}:restore`,
      needs: needs(on, 'sts.history.restore'),
      handle,
    },
  ]);
}

/** As the directory names the one policy that it keeps. */
const ORGANIZATION_POLICY = 'policy/organization';

function list({ query }: Call): Result<HistoryQuery, AdminDenial> {
  const page = readNumberedPage(query);
  if (!page.ok) return page;
  const { pageSize, after } = page.value;
  const resource = query.get('resource');
  return ok({
    type: 'list',
    pageSize,
    ...(after === undefined ? {} : { before: after }),
    ...(resource === undefined ? {} : { resource }),
  });
}

function compare({ query }: Call): Result<HistoryQuery, AdminDenial> {
  const page = readNumberedPage(query);
  if (!page.ok) return page;
  const from = readSequence(query.get('from') ?? '', 'from');
  if (!from.ok) return from;
  const until = query.get('to');
  const to = until === undefined ? ok(undefined) : readSequence(until, 'to');
  if (!to.ok) return to;
  const { pageSize, after: skip = 0 } = page.value;
  return ok({
    type: 'compare',
    from: from.value,
    ...(to.value === undefined ? {} : { to: to.value }),
    pageSize,
    skip,
  });
}

interface NumberedPage {
  readonly pageSize: number;
  readonly after?: number;
}

/** Tokens here are numbers, whoever made them. */
function readNumberedPage(query: Query): Result<NumberedPage, AdminDenial> {
  const page = readPage(query, MAX_PAGE_SIZE);
  if (!page.ok) return page;
  const { pageSize, after } = page.value;
  if (after === '') return ok({ pageSize });
  const number = readSequence(after, 'pageToken');
  return number.ok ? ok({ pageSize, after: number.value }) : number;
}

function readSequence(text: string, field: string): Result<number, AdminDenial> {
  if (/^[1-9][0-9]{0,14}$/.test(text)) return ok(Number(text));
  return err(invalid(field, 'must be the sequence number of an entry of the history'));
}

/** A project's configuration as a whole over REST: apply all of it or nothing, look what that would change, list it. Ours; Google has nothing of the kind. */
import type { ConfigurationWish } from '../../core/admin/configuration/change.ts';
import { invalid, type AdminDenial, type FieldViolation } from '../../core/admin/denial.ts';
import type { JsonObject } from '../../core/json.ts';
import { readResourceKey } from '../../core/admin/history/resource-key.ts';
import { err, ok, type Result } from '../../core/result.ts';
import { parseBody } from '../body-shape.ts';
import { type ReadChanges, readChanges } from './configuration-body.ts';
import { applyConfiguration, stageChanges } from './configuration-schemas.ts';
import { needs } from './needs.ts';
import { asking, inProject, type RestContext } from './project-scope.ts';
import { renderAnswer } from './answers.ts';
import { readPage } from './query.ts';
import type { Call, Route } from './table.ts';

const CHANGE_SET = /^[a-zA-Z0-9][a-zA-Z0-9._-]{0,63}$/;
const MAX_PARTS = 1_000;
const MAX_PAGE_SIZE = 1_000;

export function configurationRoutes(context: RestContext): readonly Route[] {
  const { admin } = context;
  return [
    {
      method: 'POST',
      path: 'projects/{project}:apply',
      needs: needs('project', 'sts.configuration.apply'),
      handle: inProject(context, async (view, { body, caller }) => {
        const read = readWish(body, caller.requestId);
        if (!read.ok) return read;
        const { wish, violations } = read.value;
        const command = { type: 'configuration.apply', ...wish } as const;
        if (violations.length === 0) {
          const answer = await admin.apply(view.projectNumber, command, caller);
          return answer.ok ? ok(renderAnswer(answer.value, view)) : answer;
        }
        // Nothing of it will be done; what else is wrong is worth knowing all the same.
        const looked = await admin.apply(view.projectNumber, { ...command, validateOnly: true }, caller);
        const others = !looked.ok && looked.error.tag === 'invalid_argument' ? looked.error.violations : [];
        return err({ tag: 'invalid_argument', violations: [...violations, ...others] } as const);
      }),
    },
    {
      method: 'POST',
      path: 'projects/{project}/changeSets/{changeSet}:stage',
      needs: needs('project', 'sts.configuration.apply'),
      handle: inProject(context, async (view, { body, caller, param }): Promise<Result<JsonObject, AdminDenial>> => {
        const changeSet = param('changeSet');
        if (!CHANGE_SET.test(changeSet)) return err(BAD_CHANGE_SET);
        const input = parseBody(stageChanges, body);
        if (!input.ok) return input;
        const { part, changes = [] } = input.value;
        if (!isPart(part)) return err(invalid('part', `must be a whole number from 0 to ${MAX_PARTS - 1}`));
        const read = readChanges(changes);
        if (read.violations.length > 0) return err({ tag: 'invalid_argument', violations: read.violations });
        const staged = await admin.stage(view.projectNumber, { changeSet, part, changes: read.changes }, caller);
        return staged.ok ? ok({}) : staged;
      }),
    },
    {
      method: 'GET',
      path: 'projects/{project}/configuration',
      needs: needs('project', 'sts.configuration.get'),
      query: ['pageSize', 'pageToken', 'owner'],
      handle: asking(context, list),
    },
  ];
}

const BAD_CHANGE_SET = invalid('changeSet', 'must be 1 to 64 characters of [a-zA-Z0-9._-]');

interface ReadWish {
  readonly wish: ConfigurationWish;
  readonly violations: readonly FieldViolation[];
}

function readWish(body: JsonObject, requestId: string): Result<ReadWish, AdminDenial> {
  const input = parseBody(applyConfiguration, body);
  if (!input.ok) return input;
  const { changes = [], changeSet = requestId, stagedParts = 0, owner, etag, ...flags } = input.value;
  const { prune = false, takeOver = false, validateOnly = false, refused = [] } = flags;
  if (!CHANGE_SET.test(changeSet)) return err(BAD_CHANGE_SET);
  if (stagedParts !== 0 && !isPart(stagedParts - 1)) {
    return err(invalid('stagedParts', `must be a whole number from 0 to ${MAX_PARTS}`));
  }
  if (refused.length > 0 && !validateOnly)
    return err(invalid('refused', 'goes with validateOnly: what is wrong is not applied'));
  const read: ReadChanges = readChanges(changes);
  const wish: ConfigurationWish = {
    changeSet,
    changes: read.changes,
    stagedParts,
    ...(owner === undefined ? {} : { owner }),
    prune,
    takeOver,
    ...(etag === undefined ? {} : { etag }),
    ...(read.refused.length + refused.length === 0 ? {} : { refused: [...refused, ...read.refused] }),
    validateOnly,
  };
  return ok({ wish, violations: read.violations });
}

function isPart(part: number): boolean {
  return Number.isInteger(part) && part >= 0 && part < MAX_PARTS;
}

function list({ query }: Call) {
  const page = readPage(query, MAX_PAGE_SIZE, (name) => readResourceKey(name) !== undefined);
  if (!page.ok) return page;
  const owner = query.get('owner');
  return ok({
    type: 'configuration.list',
    page: page.value,
    ...(owner === undefined ? {} : { owner }),
  } as const);
}

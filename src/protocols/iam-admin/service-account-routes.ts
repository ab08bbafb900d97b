/** Service accounts as IAM v1 has them: create, get, list, patch, delete, undelete, enable, disable; keys of users' own are refused on purpose. */
import type { Command } from '../../core/admin/commands.ts';
import { invalid, type AdminDenial } from '../../core/admin/denial.ts';
import { isJsonObject, type JsonObject } from '../../core/json.ts';
import { err, ok, type Result } from '../../core/result.ts';
import { parseBody } from '../body-shape.ts';
import { readEtag } from './body.ts';
import { readMask } from './mask.ts';
import { needs } from './needs.ts';
import { asking, changing, inProject, type RestContext } from './project-scope.ts';
import { readPageWithDeleted } from './query.ts';
import { newServiceAccount, nothing, serviceAccount, withoutOutputOnly } from './schemas.ts';
import type { Call, Route } from './table.ts';

const ACCOUNTS = 'projects/{project}/serviceAccounts';
const ACCOUNT = `${ACCOUNTS}/{account}`;
const MAX_PAGE_SIZE = 100;

export function serviceAccountRoutes(context: RestContext): readonly Route[] {
  const { admin } = context;
  return [
    {
      method: 'POST',
      path: ACCOUNTS,
      needs: needs('project', 'iam.serviceAccounts.create'),
      handle: changing(context, create),
    },
    {
      method: 'GET',
      path: ACCOUNTS,
      needs: needs('project', 'iam.serviceAccounts.list'),
      query: ['pageSize', 'pageToken', 'showDeleted'],
      handle: asking(context, list),
    },
    {
      method: 'GET',
      path: ACCOUNT,
      needs: needs('serviceAccount', 'iam.serviceAccounts.get'),
      handle: asking(context, ({ param }) =>
        ok({ type: 'serviceAccount.get', accountId: param('accountId') } as const),
      ),
    },
    {
      method: 'PATCH',
      path: ACCOUNT,
      needs: needs('serviceAccount', 'iam.serviceAccounts.update'),
      query: ['updateMask'],
      handle: changing(context, patch),
    },
    {
      method: 'DELETE',
      path: ACCOUNT,
      needs: needs('serviceAccount', 'iam.serviceAccounts.delete'),
      handle: changing(context, ({ param }) =>
        ok({ type: 'serviceAccount.delete', accountId: param('accountId') } as const),
      ),
    },
    verb('undelete', (restoredAccount) => ({ restoredAccount })),
    verb('enable', () => ({})),
    verb('disable', () => ({})),
    {
      method: 'GET',
      path: `${ACCOUNT}/keys`,
      needs: needs('serviceAccount', 'iam.serviceAccountKeys.list'),
      query: ['keyTypes'],
      handle: inProject(context, async ({ projectNumber }, { param }) => {
        const found = await admin.read(projectNumber, { type: 'serviceAccount.get', accountId: param('accountId') });
        return found.ok ? ok({ keys: [] }) : found;
      }),
    },
    keyRefusal(`${ACCOUNT}/keys`),
    keyRefusal(`${ACCOUNT}/keys:upload`),
  ];

  function verb(name: 'undelete' | 'enable' | 'disable', answered: (account: JsonObject) => JsonObject): Route {
    const handle = changing(context, ({ param, body }) => {
      const input = parseBody(nothing, body);
      return input.ok ? ok({ type: `serviceAccount.${name}`, accountId: param('accountId') } as const) : input;
    });
    return {
      method: 'POST',
      path: `${ACCOUNT}:${name}`,
      needs: needs('serviceAccount', `iam.serviceAccounts.${name}`),
      handle: async (call) => {
        const answer = await handle(call);
        return answer.ok ? ok(answered(answer.value)) : answer;
      },
    };
  }
}

/** A key in a file is the long-lived secret that this broker is there to do without. */
function keyRefusal(path: string): Route {
  return {
    method: 'POST',
    path,
    needs: needs('serviceAccount', 'iam.serviceAccountKeys.create'),
    handle: async () =>
      err({
        tag: 'failed_precondition',
        description:
          'Key creation is not allowed on this service account: no key leaves the broker. Impersonate it instead (roles/iam.workloadIdentityUser, roles/iam.serviceAccountTokenCreator).',
      }),
  };
}

function create({ body }: Call): Result<Command, AdminDenial> {
  const outer = parseBody(newServiceAccount, body);
  if (!outer.ok) return outer;
  const input = parseBody(serviceAccount, cleaned(outer.value.serviceAccount ?? {}));
  if (!input.ok) return input;
  return ok({ type: 'serviceAccount.create', accountId: outer.value.accountId, input: input.value });
}

function list({ query }: Call) {
  const page = readPageWithDeleted(query, MAX_PAGE_SIZE);
  return page.ok ? ok({ type: 'serviceAccount.list', page: page.value } as const) : page;
}

/** The account by itself with `?updateMask=`, as everywhere here, or with its mask in one document, as Google has it. */
function patch({ param, query, body }: Call): Result<Command, AdminDenial> {
  const wrapped = isJsonObject(body['serviceAccount']) ? body['serviceAccount'] : undefined;
  const { serviceAccount: _account, updateMask, ...others } = body;
  if (wrapped !== undefined && Object.keys(others).length > 0) {
    return err(invalid(Object.keys(others)[0] ?? '', 'stands beside serviceAccount: put it inside'));
  }
  if (updateMask !== undefined && typeof updateMask !== 'string') return err(invalid('updateMask', 'must be a string'));
  if (updateMask !== undefined && query.has('updateMask')) {
    return err(invalid('updateMask', 'stands in the query and in the body'));
  }
  const document = wrapped ?? (updateMask === undefined ? body : others);
  const input = parseBody(serviceAccount, cleaned(document));
  if (!input.ok) return input;
  const etag = readEtag(document);
  if (!etag.ok) return etag;
  const mask = readMask(query.get('updateMask') ?? updateMask, input.value);
  // Who names the etag in the mask means that it counts, and it does.
  const named = mask.filter((path) => path !== 'etag');
  const accountId = param('accountId');
  return ok({ type: 'serviceAccount.patch', accountId, input: input.value, mask: named, ...etag.value });
}

function cleaned(account: JsonObject): JsonObject {
  return withoutOutputOnly(account, ['projectId', 'uniqueId', 'email', 'oauth2ClientId', 'disabled']);
}

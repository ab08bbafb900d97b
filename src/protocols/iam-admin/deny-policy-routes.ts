/** `/v2/policies/ATTACHMENT/denypolicies` after Google's IAM v2: create, get, list, replace, delete. ATTACHMENT is a full resource name, percent-encoded. */
import type { Command, Query } from '../../core/admin/commands.ts';
import type { AdminDenial } from '../../core/admin/denial.ts';
import type { DenyAttachment } from '../../core/resources.ts';
import { ok, type Result } from '../../core/result.ts';
import { parseBody } from '../body-shape.ts';
import { readAttachment } from './attachment.ts';
import { needs } from './needs.ts';
import { asking, askingAfterChange, changing, type RestContext } from './project-scope.ts';
import { readPage } from './query.ts';
import { denyPolicy, withoutOutputOnly } from './schemas.ts';
import type { Call, Route } from './table.ts';

const POLICIES = 'policies/{attachment}/denypolicies';
const POLICY = `${POLICIES}/{policy}`;
const OUTPUT_ONLY = ['kind', 'deleteTime'];
const MAX_PAGE_SIZE = 1_000;

type Place<T> = (call: Call, attachment: DenyAttachment) => Result<T, AdminDenial>;

export function denyPolicyRoutes(context: RestContext): readonly Route[] {
  const command = (make: Place<Command>) =>
    attached((attachment) => changing(context, (call) => make(call, attachment)));
  const question = (make: Place<Query>) => attached((attachment) => asking(context, (call) => make(call, attachment)));
  return [
    {
      method: 'POST',
      path: POLICIES,
      needs: needs('attachment', 'iam.denypolicies.create'),
      query: ['policyId'],
      handle: command(create),
    },
    {
      method: 'GET',
      path: POLICIES,
      needs: needs('attachment', 'iam.denypolicies.list'),
      query: ['pageSize', 'pageToken'],
      handle: question(list),
    },
    { method: 'GET', path: POLICY, needs: needs('attachment', 'iam.denypolicies.get'), handle: question(get) },
    { method: 'PUT', path: POLICY, needs: needs('attachment', 'iam.denypolicies.update'), handle: command(update) },
    {
      method: 'DELETE',
      path: POLICY,
      needs: needs('attachment', 'iam.denypolicies.delete'),
      query: ['etag'],
      handle: command(remove),
    },
    {
      method: 'GET',
      path: `${POLICY}/operations/{operation}`,
      needs: needs('attachment', 'iam.denypolicies.get'),
      handle: attached((attachment) => askingAfterChange(context, (call) => operation(call, attachment))),
    },
  ];
}

/** The project stands in the name of what the policy is attached to. */
function attached(handle: (attachment: DenyAttachment) => Route['handle']): Route['handle'] {
  return async (call) => {
    const place = readAttachment(call.param('attachment'));
    if (!place.ok) return place;
    const { project, attachment } = place.value;
    return handle(attachment)({ ...call, param: (name) => (name === 'project' ? project : call.param(name)) });
  };
}

function create({ query, body }: Call, attachment: DenyAttachment) {
  const input = read(body);
  if (!input.ok) return input;
  return ok({
    type: 'denyPolicy.create',
    attachment,
    policyId: query.get('policyId') ?? '',
    input: input.value,
  } as const);
}

function list({ query }: Call, attachment: DenyAttachment) {
  const page = readPage(query, MAX_PAGE_SIZE);
  return page.ok ? ok({ type: 'denyPolicy.list', attachment, page: page.value } as const) : page;
}

function get({ param }: Call, attachment: DenyAttachment) {
  return ok({ type: 'denyPolicy.get', attachment, policyId: param('policy') } as const);
}

function operation({ param }: Call, attachment: DenyAttachment) {
  const of = { kind: 'denyPolicy', attachment, policyId: param('policy') } as const;
  return ok({ type: 'operation.get', of, operationId: param('operation') } as const);
}

function update({ param, body }: Call, attachment: DenyAttachment) {
  const input = read(body);
  if (!input.ok) return input;
  return ok({ type: 'denyPolicy.update', attachment, policyId: param('policy'), input: input.value } as const);
}

function remove({ param, query }: Call, attachment: DenyAttachment) {
  const etag = query.get('etag');
  const id = { attachment, policyId: param('policy') };
  return ok({ type: 'denyPolicy.delete', ...id, ...(etag === undefined ? {} : { etag }) } as const);
}

/** Of the output-only members the etag counts: it says which policy the writer had read. */
function read(body: Call['body']) {
  const { etag } = body;
  return parseBody(denyPolicy, { ...withoutOutputOnly(body, OUTPUT_ONLY), ...(etag === undefined ? {} : { etag }) });
}

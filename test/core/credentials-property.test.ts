/**
 * Chains of every shape against an oracle that knows nothing of the code: who gets a token, for how long, with which scopes and boundary.
 * Policies, conditions, roles and maximums are the real ones; only signing and counting are played.
 */
import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { impersonation } from '../../src/core/admin/authority/impersonation.ts';
import type { Actor, WorkloadIdentity } from '../../src/core/admin/caller.ts';
import { type CredentialInput, generate } from '../../src/core/credentials/generate.ts';
import type { CredentialPorts } from '../../src/core/credentials/ports.ts';
import { createPolicyCompiler } from '../../src/core/policy/cache.ts';
import { EMPTY_POLICY } from '../../src/core/resources.ts';
import { ok } from '../../src/core/result.ts';
import { PROJECT } from '../support/admin-samples.ts';
import { Administered } from '../support/administer.ts';

const NOW = 1_790_000_000;
const ORIGIN = 'https://sts.example.com';
const CLOUD = 'https://www.googleapis.com/auth/cloud-platform';
const IAM = 'https://www.googleapis.com/auth/iam';

/** Google's tables of roles, written down once more. */
const HOLDS: Readonly<Record<string, readonly string[]>> = {
  'roles/iam.workloadIdentityUser': ['getAccessToken'],
  'roles/iam.serviceAccountTokenCreator': ['getAccessToken', 'implicitDelegation'],
  'roles/iam.serviceAccountOpenIdTokenCreator': [],
};

const role = fc.constantFrom(...Object.keys(HOLDS), 'roles/iam.serviceAccountTokenCreator');
/** Seconds from now, or never. */
const end = fc.constantFrom(undefined, undefined, -10, 0, 1, 45, 100, 3_599, 5_000, 50_000);
const lifetime = fc.constantFrom(60, 3_600, 7_200, 43_200);

interface Hop {
  readonly role: string;
  readonly endsIn: number | undefined;
  readonly isForSomebodyElse: boolean;
  readonly isDisabled: boolean;
  readonly max: number;
  /** Of the rule about it in the boundary, if there is one. */
  readonly rule: { readonly role: string; readonly endsIn: number | undefined } | undefined;
}

const rarely = fc.integer({ min: 0, max: 11 }).map((one) => one === 0);
const hop: fc.Arbitrary<Hop> = fc.record({
  role,
  endsIn: end,
  isForSomebodyElse: rarely,
  isDisabled: rarely,
  max: lifetime,
  rule: fc.option(fc.record({ role, endsIn: end }), { nil: undefined }),
});

interface World {
  readonly hops: readonly Hop[];
  readonly projectMax: number;
  readonly asked: number | undefined;
  readonly scopes: readonly string[];
  readonly held: readonly string[] | undefined;
  readonly isBounded: boolean;
}

const world: fc.Arbitrary<World> = fc.record({
  hops: fc.array(hop, { minLength: 1, maxLength: 4 }),
  projectMax: lifetime,
  asked: fc.option(lifetime, { nil: undefined }),
  scopes: fc.subarray([CLOUD, IAM, 'orders.read'], { minLength: 1 }),
  held: fc.constantFrom(undefined, undefined, [CLOUD], [IAM], [IAM, 'orders.read'], ['orders.read']),
  isBounded: fc.integer({ min: 0, max: 3 }).map((one) => one === 0),
});

type Expected = { readonly tag: string } | { readonly expiresIn: number };

/** What must come of it, said without the code. */
function expected({ hops, projectMax, asked, scopes, held, isBounded }: World): Expected {
  if (held !== undefined && !held.includes(CLOUD) && !held.includes(IAM)) return { tag: 'insufficient_scope' };
  let room = Infinity;
  for (const [index, one] of hops.entries()) {
    const needed = index === hops.length - 1 ? 'getAccessToken' : 'implicitDelegation';
    const lasts = ({ role: name, endsIn }: { role: string; endsIn: number | undefined }): number =>
      (HOLDS[name] ?? []).includes(needed) ? Math.max(0, endsIn ?? Infinity) : 0;
    const within = isBounded ? (one.rule === undefined ? 0 : lasts(one.rule)) : Infinity;
    const hopRoom = Math.min(one.isForSomebodyElse ? 0 : lasts(one), within);
    if (hopRoom === 0) return { tag: 'permission_denied' };
    if (one.isDisabled) return { tag: 'failed_precondition' };
    room = Math.min(room, hopRoom);
  }
  if (held !== undefined && !held.includes(CLOUD) && !scopes.every((scope) => held.includes(scope))) {
    return { tag: 'insufficient_scope' };
  }
  const max = Math.min(projectMax, hops.at(-1)?.max ?? 0);
  if (asked !== undefined && asked > max) return { tag: 'invalid_argument' };
  return { expiresIn: Math.min(asked ?? 3_600, max, room) };
}

const idOf = (index: number): string => `account-${index}`;
const emailOf = (index: number): string => `${idOf(index)}@${PROJECT.projectId}.iam.sts.example.com`;
const until = (endsIn: number): string =>
  `request.time < timestamp('${new Date((NOW + endsIn) * 1_000).toISOString()}')`;

const PROVIDER = { projectNumber: PROJECT.projectNumber, poolId: 'ci-pool', providerId: 'github' };
const CALLER = `principal://iam.googleapis.com/projects/${PROJECT.projectNumber}/locations/global/workloadIdentityPools/ci-pool/subject/job`;

function administered({ hops, projectMax }: World): Administered {
  const project = new Administered();
  const ownHost = { ownHost: 'sts.example.com' };
  const input = { maxServiceAccountTokenLifetime: `${projectMax}s` };
  project.do({ type: 'project.patch', input, mask: ['maxServiceAccountTokenLifetime'] });
  for (const [index, one] of hops.entries()) {
    const accountId = idOf(index);
    project.do({ type: 'serviceAccount.create', accountId, input: { maxTokenLifetime: `${one.max}s` } }, ownHost);
    if (one.isDisabled) project.do({ type: 'serviceAccount.disable', accountId });
    const before = index === 0 ? CALLER : `serviceAccount:${emailOf(index - 1)}`;
    const members = [one.isForSomebodyElse ? 'user:somebody@example.com' : before];
    const condition = one.endsIn === undefined ? {} : { condition: { expression: until(one.endsIn) } };
    const policy = { version: 3, bindings: [{ role: one.role, members, ...condition }] };
    project.do({ type: 'policy.set', resource: { kind: 'serviceAccount', accountId }, policy });
  }
  return project;
}

function callerOf({ hops, held, isBounded }: World): WorkloadIdentity {
  const rules = hops.flatMap(({ rule }, index) =>
    rule === undefined
      ? []
      : [
          {
            resource: `//iam.googleapis.com/projects/-/serviceAccounts/${emailOf(index)}`,
            roles: [rule.role],
            ...(rule.endsIn === undefined ? {} : { condition: until(rule.endsIn) }),
          },
        ],
  );
  const token = { tokenId: 'id', issuedAtSeconds: NOW, expiresAtSeconds: NOW + 60 };
  return {
    kind: 'workload',
    principal: { provider: PROVIDER, subject: 'job', groups: [], attributes: {}, claims: {} },
    isWhole: true,
    token: { ...token, ...(held === undefined ? {} : { scopes: held }) },
    ...(isBounded ? { boundary: { rules } } : {}),
  };
}

/** What is signed is what is looked at. */
function portsOver(project: Administered): CredentialPorts {
  const compiler = createPolicyCompiler(50);
  const news = { epoch: 1, recent: [] };
  return {
    publicOrigin: ORIGIN,
    nowMs: () => NOW * 1_000,
    newTokenId: () => 'new-id',
    projectNumberOf: async () => ok(PROJECT.projectNumber),
    impersonation: async (_number, identity, asked) =>
      impersonation(project.state, identity, asked, { organizationPolicy: EMPTY_POLICY, nowSeconds: NOW, compiler }),
    spend: async () => ok({ news, usableUntilMs: NOW * 1_000 + 1_000 }),
    sign: async ({ claims }) => ok({ jwt: JSON.stringify(claims), kid: 'kid' }),
    signBytes: async () => ok({ signature: new Uint8Array(0), kid: 'kid' }),
    record: () => undefined,
  };
}

function actorsIn(actor: Actor | undefined): readonly string[] {
  return actor === undefined ? [] : [actor.sub, ...actorsIn(actor.act)];
}

it('every hop needs its permission, scope and boundary only shrink, and no token outlives anything on its way', async () => {
  const seen = new Map<string, number>();
  await fc.assert(
    fc.asyncProperty(world, async (made) => {
      const caller = callerOf(made);
      const last = made.hops.length - 1;
      const input: CredentialInput = {
        requestId: 'request',
        caller: { name: CALLER, identity: caller },
        delegates: made.hops.slice(0, -1).map((_hop, index) => emailOf(index)),
        account: emailOf(last),
        request: { method: 'generateAccessToken', scopes: made.scopes, lifetimeSeconds: made.asked },
      };
      const generated = await generate(input, portsOver(administered(made)));
      const wanted = expected(made);
      const kind = 'tag' in wanted ? wanted.tag : 'granted';
      seen.set(kind, (seen.get(kind) ?? 0) + 1);
      if ('tag' in wanted) {
        expect(generated.ok ? 'granted' : generated.error.tag).toBe(wanted.tag);
        return;
      }
      if (!generated.ok || generated.value.method !== 'generateAccessToken') throw new Error(JSON.stringify(generated));
      const claims = JSON.parse(generated.value.accessToken) as Record<string, unknown>;
      expect(claims['exp']).toBe(NOW + wanted.expiresIn);
      expect(generated.value.expiresAtSeconds).toBe(claims['exp']);
      expect(claims['scope']).toBe(made.scopes.join(' '));
      const boundary = (claims['edge-sts'] as { boundary?: unknown } | undefined)?.boundary;
      expect(boundary).toEqual(caller.boundary);
      const way = [CALLER, ...made.hops.slice(0, -1).map((_hop, index) => `serviceAccount:${emailOf(index)}`)];
      expect(actorsIn(claims['act'] as Actor)).toEqual(way.toReversed());
    }),
    { numRuns: 1_500 },
  );
  // A property over refusals alone would prove nothing.
  for (const kind of [
    'granted',
    'permission_denied',
    'failed_precondition',
    'insufficient_scope',
    'invalid_argument',
  ]) {
    expect([kind, (seen.get(kind) ?? 0) > 10]).toEqual([kind, true]);
  }
});

/** Explains a decision to an administrator: who it is (a token, verified as an exchange would, or a name), then every policy on the path. */
import { invalid, type AdminDenial } from './admin/denial.ts';
import { SEEN_ORGANIZATION } from './admin/authority/seen-resource.ts';
import { readTime } from './admin/fields.ts';
import type { AdminPort } from './admin/port.ts';
import type { PolicyResource } from './admin/commands.ts';
import { parseAssertion } from './assertion.ts';
import { authenticate, type AuthenticatePorts, type AuthenticateView } from './authenticate.ts';
import type { Denial } from './denial.ts';
import type { Asked, Explanation } from './explain/answer.ts';
import type { Certainty } from './explain/certainty.ts';
import { explain } from './explain/explain.ts';
import { namedSubject, type Subject } from './explain/subject.ts';
import {
  IAM_PREFIX,
  mayExist,
  parseProviderName,
  projectName,
  type ProviderName,
  serviceAccountName,
  targetName,
} from './names.ts';
import { createPolicyCompiler } from './policy/cache.ts';
import { ConfigUnavailable } from './ports.ts';
import { principalIdentifier } from './principal.ts';
import { providerInAudience } from './provider-in-audience.ts';
import { predefinedRole } from './roles.ts';
import { err, ok, type Result } from './result.ts';

export interface TroubleshootInput {
  /** Undefined: `organizations/1`. */
  readonly at: { readonly projectNumber: string; readonly resource: PolicyResource } | undefined;
  readonly principal?: string;
  readonly token?: string;
  /** Which provider the token is for, where its own audience does not say. */
  readonly audience?: string;
  readonly permission?: string;
  /** A target's id, name or uri; PUBLIC_ORIGIN for a token to the broker itself. Absent on a target: that one. */
  readonly target?: string;
  /** RFC 3339. */
  readonly time?: string;
}

export interface Troubleshot {
  readonly resource: string;
  readonly timeSeconds: number;
  readonly access: Certainty;
  /** Absent where a token did not come to one. */
  readonly principal?: string;
  /** Where a token was shown. */
  readonly token?: { readonly provider: ProviderName; readonly denial?: Denial; readonly isTakenOnce?: true };
  readonly explanation?: Explanation;
}

export type Troubleshoot = (input: TroubleshootInput) => Promise<Result<Troubleshot, AdminDenial>>;

export type TroubleshootPorts = AuthenticatePorts & { readonly publicOrigin: string };

/** A name says nothing of when its token ends: longer than any token of ours lives. */
const UNKNOWN_LIFE_SECONDS = 43_200;

/** The year 9999: an hour that is looked ahead must still be a time that conditions can be asked about. */
const FIRST_TIME_TOO_LATE_SECONDS = Date.UTC(9999, 0, 1) / 1_000;

export function createTroubleshoot(ports: TroubleshootPorts, admin: AdminPort): Troubleshoot {
  return async (input) => {
    const timeSeconds = input.time === undefined ? Math.floor(ports.nowMs() / 1_000) : Math.floor(readTime(input.time));
    if (Number.isNaN(timeSeconds))
      return err(invalid('time', 'must be a time such as "2026-01-31T12:00:00Z" (RFC 3339)'));
    if (timeSeconds < 0 || timeSeconds >= FIRST_TIME_TOO_LATE_SECONDS)
      return err(invalid('time', 'must be of the years 1970 to 9998'));
    const wanted = await wantedOf(input, ports.publicOrigin, admin);
    if (!wanted.ok) return wanted;
    const { at } = input;
    const resource = wanted.value.name;
    const who = await subjectOf(input, timeSeconds, ports, admin);
    if (!who.ok) return who;
    const { token } = who.value;
    if (!('subject' in who.value)) {
      // Whoever did not answer might have said yes.
      const access = token?.denial?.tag === 'unavailable' ? 'unknown' : 'no';
      return ok({ resource, timeSeconds, access, ...(token ? { token } : {}) });
    }
    const { subject, expiresAtSeconds } = who.value;
    const isExchange = wanted.value.wanted.kind !== 'permission';
    if (isExchange && at !== undefined && subject.principal.provider.projectNumber !== at.projectNumber) {
      const home = projectName(subject.principal.provider.projectNumber);
      const field = input.token === undefined ? 'principal' : 'token';
      return err(invalid(field, `is of ${home}: an exchange names targets of its provider's own project`));
    }
    const organization = await admin.organizationPolicy();
    if (!organization.ok) return organization;
    const asked = {
      subject,
      subjectExpiresAtSeconds: expiresAtSeconds,
      timeSeconds,
      publicOrigin: ports.publicOrigin,
      wanted: wanted.value.wanted,
      organizationPolicy: organization.value,
    };
    const explained =
      at === undefined
        ? ok(explainAtOrganization(asked))
        : await admin.explain(at.projectNumber, { ...asked, resource: at.resource });
    if (!explained.ok) return explained;
    const explanation = explained.value;
    const access =
      explanation.exchange === undefined ? explanation.access : explanation.exchange.granted ? 'yes' : 'no';
    const principal = principalIdentifier(subject.principal);
    return ok({ resource, timeSeconds, access, principal, explanation, ...(token ? { token } : {}) });
  };
}

interface Wanted {
  readonly name: string;
  readonly wanted: Asked['wanted'];
}

async function wantedOf(
  input: TroubleshootInput,
  publicOrigin: string,
  admin: AdminPort,
): Promise<Result<Wanted, AdminDenial>> {
  const { at, permission, target } = input;
  if (permission !== undefined && target !== undefined)
    return err(invalid('permission', 'ask for either a permission or a target'));
  if (at === undefined) {
    if (permission === undefined) return err(invalid('permission', 'is required on organizations/1'));
    return ok({ name: 'organizations/1', wanted: { kind: 'permission', permission } });
  }
  const { projectNumber, resource } = at;
  if (permission !== undefined) {
    const named = await nameOf(at, admin);
    return named.ok ? ok({ name: named.value, wanted: { kind: 'permission', permission } }) : named;
  }
  if (target === undefined && resource.kind !== 'target')
    return err(invalid('target', 'ask for a permission or a target'));
  if (resource.kind === 'pool' || resource.kind === 'serviceAccount')
    return err(invalid('target', 'ask it of the project'));
  if (target === publicOrigin) return ok({ name: projectName(projectNumber), wanted: { kind: 'broker' } });
  const targetId =
    resource.kind === 'target' ? resource.targetId : await targetIdOf(target ?? '', projectNumber, admin);
  if (target !== undefined && resource.kind === 'target') return err(invalid('target', 'is named by the path already'));
  if (targetId === undefined)
    return err({ tag: 'not_found', resource: `${projectName(projectNumber)}/targets/${target}` });
  return ok({ name: targetName(projectNumber, targetId), wanted: { kind: 'target', targetId } });
}

/** What the question is about must be there: else every answer would be a confident no. */
async function nameOf(
  at: NonNullable<TroubleshootInput['at']>,
  admin: AdminPort,
): Promise<Result<string, AdminDenial>> {
  const { projectNumber, resource } = at;
  const found = await admin.read(projectNumber, { type: 'policy.get', resource });
  if (!found.ok) return found;
  switch (resource.kind) {
    case 'project':
      return ok(projectName(projectNumber));
    case 'pool':
      return ok(`${projectName(projectNumber)}/locations/global/workloadIdentityPools/${resource.poolId}`);
    case 'target':
      return ok(targetName(projectNumber, resource.targetId));
    case 'serviceAccount':
      return accountNameOf(projectNumber, resource.accountId, admin);
  }
}

async function accountNameOf(
  projectNumber: string,
  accountId: string,
  admin: AdminPort,
): Promise<Result<string, AdminDenial>> {
  const found = await admin.read(projectNumber, { type: 'serviceAccount.get', accountId });
  if (!found.ok) return found;
  if (found.value.kind !== 'serviceAccount') throw new Error(`an account was answered with a ${found.value.kind}`);
  return ok(serviceAccountName(projectNumber, found.value.serviceAccount.email));
}

async function targetIdOf(text: string, projectNumber: string, admin: AdminPort): Promise<string | undefined> {
  const [, id = text] = /^projects\/[^/]+\/targets\/([^/]+)$/.exec(text) ?? [];
  const found = await admin.read(projectNumber, { type: 'target.find', idOrUri: id });
  return found.ok && found.value.kind === 'target' ? found.value.target.targetId : undefined;
}

type Who =
  | { readonly token: NonNullable<Troubleshot['token']> }
  | { readonly subject: Subject; readonly expiresAtSeconds: number; readonly token?: Troubleshot['token'] };

async function subjectOf(
  input: TroubleshootInput,
  timeSeconds: number,
  ports: TroubleshootPorts,
  admin: AdminPort,
): Promise<Result<Who, AdminDenial>> {
  const { principal, token } = input;
  if ((principal === undefined) === (token === undefined))
    return err(invalid('principal', 'name a principal, or show a token'));
  if (token !== undefined) return shown(token, input.audience, timeSeconds, ports, admin);
  const subject = namedSubject(principal ?? '');
  if (subject === undefined) {
    return err(
      invalid(
        'principal',
        'must be principal://iam.googleapis.com/projects/NUMBER/locations/global/workloadIdentityPools/POOL/subject/SUBJECT; show a token for more',
      ),
    );
  }
  return ok({ subject, expiresAtSeconds: timeSeconds + UNKNOWN_LIFE_SECONDS });
}

const MAX_TOKEN_CHARACTERS = 16_384;

/** Verified as at an exchange, at the time that is asked about; nothing is spent and nothing marked. */
async function shown(
  token: string,
  audience: string | undefined,
  timeSeconds: number,
  ports: TroubleshootPorts,
  admin: AdminPort,
): Promise<Result<Who, AdminDenial>> {
  if (token.length > MAX_TOKEN_CHARACTERS)
    return err(invalid('token', `longer than ${MAX_TOKEN_CHARACTERS} characters`));
  const assertion = parseAssertion(token);
  if (!assertion.ok)
    return err(invalid('token', `is not one: ${assertion.error.tag === 'unverified' ? assertion.error.check : ''}`));
  const name =
    audience === undefined ? providerInAudience(assertion.value) : parseProviderName(audience.replace(IAM_PREFIX, ''));
  if (name === undefined || !mayExist(name)) {
    return err(invalid('audience', "must name the provider: the token's own audience names none"));
  }
  const at: AuthenticatePorts = { ...ports, nowMs: () => timeSeconds * 1_000 };
  const authenticated = await attempted(() => authenticate(assertion.value, name, 'exchange', viewOf(name, admin), at));
  if (!authenticated.ok) return ok({ token: { provider: name, denial: authenticated.error } });
  const { principal, expiresAtSeconds, once } = authenticated.value;
  const subject = { principal, isWhole: true };
  return ok({ subject, expiresAtSeconds, token: { provider: name, ...(once ? { isTakenOnce: true as const } : {}) } });
}

async function attempted<T>(attempt: () => Promise<Result<T, Denial>>): Promise<Result<T, Denial>> {
  try {
    return await attempt();
  } catch (fault) {
    if (fault instanceof ConfigUnavailable) return err({ tag: 'unavailable', dependency: 'configuration' });
    throw fault;
  }
}

/** The Registry's own rows: an explanation from a copy that is behind would explain yesterday. */
function viewOf({ projectNumber }: ProviderName, admin: AdminPort): AuthenticateView {
  return {
    pool: async (poolId) => {
      const answer = await read({ type: 'pool.get', poolId });
      return answer?.kind === 'pool' ? { pool: answer.pool } : undefined;
    },
    provider: async (poolId, providerId) => {
      const answer = await read({ type: 'provider.get', poolId, providerId });
      return answer?.kind === 'provider' ? { provider: answer.provider } : undefined;
    },
    target: async (targetId) => {
      const answer = await read({ type: 'target.get', targetId });
      const policy = await read({ type: 'policy.get', resource: { kind: 'target', targetId } });
      return answer?.kind === 'target' && policy?.kind === 'policy'
        ? { target: answer.target, policy: policy.policy }
        : undefined;
    },
  };

  async function read(query: Parameters<AdminPort['read']>[1]) {
    const answer = await admin.read(projectNumber, query);
    if (answer.ok) return answer.value;
    if (answer.error.tag === 'not_found') return undefined;
    throw new ConfigUnavailable();
  }
}

/** Only predefined roles are bound there. */
function explainAtOrganization(asked: Omit<Asked, 'resource'>): Explanation {
  const { wanted, organizationPolicy: policy, ...common } = asked;
  const permission = wanted.kind === 'permission' ? wanted.permission : '';
  const counts = policy.bindings
    .map((binding) => binding.role)
    .filter((role) => predefinedRole(role)?.permissions.includes(permission) === true);
  const path = [{ on: 'organizations/1', policy, counts }];
  return explain(
    { ...common, wanted: { kind: 'permission', seen: SEEN_ORGANIZATION, isBrokers: true }, path, rules: [] },
    createPolicyCompiler(100),
  );
}

/** Keys pushed from inside a cluster: authenticate by a token that is good for nothing else and only once, then one command to the Registry. */
import { mayNotPush } from './admin/push-keys.ts';
import type { AdminDenial } from './admin/denial.ts';
import type { AdminPort } from './admin/port.ts';
import { parseAssertion, type UnverifiedAssertion } from './assertion.ts';
import { authenticate, type Authenticated } from './authenticate.ts';
import type { Denial } from './denial.ts';
import { mayExist, type ProviderName } from './names.ts';
import { ConfigUnavailable, type ConfigView, type ExchangePorts } from './ports.ts';
import { memberTexts, principalIdentifier } from './principal.ts';
import type { Provider } from './resources.ts';
import { err, ok, type Result } from './result.ts';

export interface PushInput {
  readonly name: ProviderName;
  /** Where the request came from; limits failed verifications. */
  readonly address: string;
  readonly token: string;
  readonly jwksJson: string;
}

export interface Pushed {
  readonly provider: Provider;
  readonly warnings: readonly string[];
}

export type PushDenial = AdminDenial | { readonly tag: 'too_many_failures'; readonly retryAfterSeconds: number };

export type PushKeys = (input: PushInput) => Promise<Result<Pushed, PushDenial>>;

export type PushPorts = Pick<
  ExchangePorts,
  | 'nowMs'
  | 'compiler'
  | 'openConfig'
  | 'newsBeforeRefusal'
  | 'discoveredKeys'
  | 'verifySignature'
  | 'reviewToken'
  | 'failures'
>;

export function createPushKeys(ports: PushPorts, admin: Pick<AdminPort, 'apply'>): PushKeys {
  return async (input) => {
    try {
      return await push(input, ports, admin);
    } catch (fault) {
      if (fault instanceof ConfigUnavailable) return err(away('configuration'));
      throw fault;
    }
  };
}

const MAX_TOKEN_CHARACTERS = 16_384;

async function push(
  input: PushInput,
  ports: PushPorts,
  admin: Pick<AdminPort, 'apply'>,
): Promise<Result<Pushed, PushDenial>> {
  const { name, address, token } = input;
  const assertion = token.length <= MAX_TOKEN_CHARACTERS ? parseAssertion(token) : err(tooLong);
  if (!assertion.ok || !mayExist(name)) return stranger(address, name, ports);
  const first = await attempt(input, assertion.value, ports, admin);
  if (first.ok || isFinal(first.error)) return first;
  // What refuses may be a copy that is behind; and rows that changed in between are what the pusher is verified by anew.
  const strangers = first.error.tag === 'bad_credentials' || first.error.tag === 'unavailable';
  if (strangers && ports.failures.blockedForSeconds(address, name) !== undefined) return stranger(address, name, ports);
  const news = await ports.newsBeforeRefusal(name.projectNumber, strangers ? 'stranger' : 'verified');
  if (!news.ok) return err(away(dependencyOf(news.error)));
  const isNewest = news.value === undefined || first.view.currentAt(news.value);
  const last = isNewest ? first : await attempt(input, assertion.value, ports, admin);
  return !last.ok && last.error.tag === 'bad_credentials' ? stranger(address, name, ports) : last;
}

/** What no newer configuration would change: the Registry itself said it, of what it has now, or is away. Keys that are too old may be a copy's. */
function isFinal(denial: AdminDenial): boolean {
  if (denial.tag === 'unavailable') return denial.dependency !== 'issuer_keys';
  return FINAL.includes(denial.tag);
}

const FINAL: readonly AdminDenial['tag'][] = ['not_in_force_yet', 'invalid_argument', 'failed_precondition'];

const tooLong: Denial = { tag: 'malformed', parameter: 'token', problem: 'is too long' };

/** A refusal says of which view it is, for a newer one may think otherwise. */
type Attempt = Result<Pushed, AdminDenial> & { readonly view: ConfigView };

async function attempt(
  input: PushInput,
  assertion: UnverifiedAssertion,
  ports: PushPorts,
  admin: Pick<AdminPort, 'apply'>,
): Promise<Attempt> {
  const { name, jwksJson } = input;
  const view = ports.openConfig(name.projectNumber);
  const authenticated = await authenticate(assertion, name, 'pushKeys', view, ports);
  if (!authenticated.ok) return { ...err(told(authenticated.error, name)), view };
  const { poolId, providerId } = name;
  const [pool, provider] = await Promise.all([view.pool(poolId), view.provider(poolId, providerId)]);
  const { once } = authenticated.value;
  // A view does not change, and a push token has its marker: what is missing here is our own fault.
  if (pool === undefined || provider === undefined || once === undefined) throw new Error('verified by nothing');
  const verifiedBy = { poolUpdateTime: pool.pool.updateTime, providerUpdateTime: provider.provider.updateTime };
  const pusher = pusherOf(authenticated.value);
  const command = { type: 'provider.pushKeys', poolId, providerId, jwksJson, pusher, once, verifiedBy } as const;
  const answer = await admin.apply(name.projectNumber, command, pusher.identifier);
  if (!answer.ok) return { ...answer, view };
  if (answer.value.kind !== 'provider') throw new Error(`a push was answered with a ${answer.value.kind}`);
  return { ...ok({ provider: answer.value.provider, warnings: answer.value.warnings }), view };
}

function pusherOf({ principal }: Authenticated) {
  const exact = [...memberTexts(principal)].filter((text) => text.startsWith('principal://'));
  return { identifier: principalIdentifier(principal), memberTexts: exact };
}

/** One text for a token that does not hold, one for a principal that may not; why is the operator's affair. */
function told(denial: Denial, name: ProviderName): AdminDenial {
  switch (denial.tag) {
    case 'unavailable':
      return away(denial.dependency);
    case 'denied_uid':
    case 'condition_false':
    case 'condition_error':
    case 'subject_too_long':
      return mayNotPush(name);
    default:
      return { tag: 'bad_credentials' };
  }
}

/** Whoever keeps failing is told to slow down; a token that holds never comes here. */
async function stranger(
  address: string,
  name: ProviderName,
  { failures }: PushPorts,
): Promise<Result<never, PushDenial>> {
  const retryAfterSeconds = failures.blockedForSeconds(address, name);
  if (retryAfterSeconds !== undefined) return err({ tag: 'too_many_failures', retryAfterSeconds });
  await failures.recordFailure(address, name);
  return err({ tag: 'bad_credentials' });
}

function dependencyOf(denial: Denial): string {
  return denial.tag === 'unavailable' ? denial.dependency : 'configuration';
}

function away(dependency: string): AdminDenial {
  return {
    tag: 'unavailable',
    dependency,
    description: 'The service is currently unavailable. Try again with a token that was not used yet.',
  };
}

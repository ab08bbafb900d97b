/** Members of a binding, in every spelling of WIRE.md B.6: checked when written, compared as bytes when used. */
import { isAnyPoolId, isProjectId, isProjectNumber } from './names.ts';
import { err, ok, type Result } from './result.ts';

export interface Member {
  readonly kind:
    | 'subject'
    | 'serviceAccountUid'
    | 'namespace'
    | 'cluster'
    | 'group'
    | 'attribute'
    | 'everyone_in_pool'
    | 'legacy_kubernetes'
    | 'workforce'
    | 'user'
    | 'service_account'
    | 'deleted';
  readonly text: string;
}

const MAX_MEMBER_CHARACTERS = 2_048;
const DELETED = 'deleted:';
// oxlint-disable-next-line no-control-regex -- a control character in a member is a forged log line waiting to be read
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/;
const EMAIL = /^[^\s@:[\]]+@[^\s@:[\]]+\.[^\s@:[\]]+$/;
const LEGACY = /^serviceAccount:([^[\]]+)\.svc\.id\.goog\[([^/[\]]+)\/([^/[\]]+)\]$/;
const POOL_PRINCIPAL =
  /^(principal|principalSet):\/\/iam\.googleapis\.com\/projects\/([^/]+)\/locations\/global\/workloadIdentityPools\/([^/]+)\/(.+)$/s;
const WORKFORCE =
  /^(principal|principalSet):\/\/iam\.googleapis\.com\/locations\/global\/workforcePools\/[a-z0-9-]+\/(subject\/|group\/|attribute\.|\*).*$/s;

/** The kind of member that `text` is, or a sentence saying why it cannot be one. That a pool exists is not asked. */
export function parseMember(text: string): Result<Member, string> {
  // The prefix is put there by a purge, and what was read must fit when it is written back.
  if (text.length > MAX_MEMBER_CHARACTERS + (text.startsWith(DELETED) ? DELETED.length : 0))
    return err(`longer than ${MAX_MEMBER_CHARACTERS} characters`);
  if (CONTROL.test(text)) return err('holds a control character');
  if (text === 'allUsers' || text === 'allAuthenticatedUsers') return err(`${text} is refused: name who is meant`);
  if (text.startsWith('group:') || text.startsWith('domain:')) {
    return err('group: and domain: members are refused: no directory stands behind them; use principalSet://');
  }
  const kind = kindOf(text);
  return kind.ok ? ok({ kind: kind.value, text }) : kind;
}

function kindOf(text: string): Result<Member['kind'], string> {
  const pool = POOL_PRINCIPAL.exec(text);
  if (pool) return poolMemberKind(pool[1] ?? '', pool[2] ?? '', pool[3] ?? '', pool[4] ?? '');
  if (WORKFORCE.test(text)) return ok('workforce');
  if (text.startsWith(DELETED)) {
    const inner = kindOf(text.slice(DELETED.length).replace(/\?uid=[0-9A-Za-z-]+$/, ''));
    return inner.ok ? ok('deleted') : inner;
  }
  const legacy = LEGACY.exec(text);
  if (legacy) {
    return isProjectId(legacy[1] ?? '')
      ? ok('legacy_kubernetes')
      : err('must be serviceAccount:PROJECT_ID.svc.id.goog[NAMESPACE/NAME]');
  }
  if (text.startsWith('user:')) return email(text.slice('user:'.length), 'user');
  if (text.startsWith('serviceAccount:')) return email(text.slice('serviceAccount:'.length), 'service_account');
  return err('not a known form of member: principal://, principalSet://, serviceAccount: or user:');
}

function poolMemberKind(
  prefix: string,
  projectNumber: string,
  poolId: string,
  selector: string,
): Result<Member['kind'], string> {
  if (!isProjectNumber(projectNumber))
    return err(`"${projectNumber}" is not a project number (an id does not serve here)`);
  if (!isAnyPoolId(poolId)) return err(`"${poolId}" is not a pool id`);
  for (const form of FORMS) {
    if (!form.pattern.test(selector)) continue;
    if (form.prefix !== prefix) return err(`${form.shown} is written with ${form.prefix}://, not ${prefix}://`);
    return ok(form.kind);
  }
  return err('after the pool must come subject/…, group/…, attribute.NAME/…, namespace/…, kubernetes.… or *');
}

const FORMS: readonly {
  readonly prefix: 'principal' | 'principalSet';
  readonly shown: string;
  readonly pattern: RegExp;
  readonly kind: Member['kind'];
}[] = [
  { prefix: 'principal', shown: 'subject/…', pattern: /^subject\/./s, kind: 'subject' },
  {
    prefix: 'principal',
    shown: 'kubernetes.serviceaccount.uid/…',
    pattern: /^kubernetes\.serviceaccount\.uid\/./s,
    kind: 'serviceAccountUid',
  },
  { prefix: 'principalSet', shown: 'namespace/…', pattern: /^namespace\/[^/]+$/s, kind: 'namespace' },
  { prefix: 'principalSet', shown: 'kubernetes.cluster/…', pattern: /^kubernetes\.cluster\/./s, kind: 'cluster' },
  { prefix: 'principalSet', shown: 'group/…', pattern: /^group\/./s, kind: 'group' },
  { prefix: 'principalSet', shown: 'attribute.NAME/…', pattern: /^attribute\.[a-z0-9_]+\/./s, kind: 'attribute' },
  { prefix: 'principalSet', shown: '*', pattern: /^\*$/, kind: 'everyone_in_pool' },
];

function email(address: string, kind: 'user' | 'service_account'): Result<Member['kind'], string> {
  return EMAIL.test(address) ? ok(kind) : err('not an e-mail address after the prefix');
}

/** The parts of a member that names a pool, whatever its kind; undefined for every other. */
export function poolMemberOf(
  text: string,
): { readonly projectNumber: string; readonly poolId: string; readonly selector: string } | undefined {
  const [, , projectNumber, poolId, selector] = POOL_PRINCIPAL.exec(text) ?? [];
  if (projectNumber === undefined || poolId === undefined || selector === undefined) return undefined;
  return { projectNumber, poolId, selector };
}

/** The parts of `serviceAccount:PROJECT_ID.svc.id.goog[NAMESPACE/NAME]`. */
export function legacyMemberOf(
  text: string,
): { readonly projectId: string; readonly namespace: string; readonly name: string } | undefined {
  const [, projectId, namespace, name] = LEGACY.exec(text) ?? [];
  if (projectId === undefined || namespace === undefined || name === undefined) return undefined;
  return { projectId, namespace, name };
}

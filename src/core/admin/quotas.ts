/** The quotas of a project, and how base, temporary raise and limit in force hang together. */
import type { Project, TemporaryRaise } from '../resources.ts';
import { CREDENTIAL_GENERATIONS_PER_MINUTE, TOKEN_EXCHANGES_PER_MINUTE, type Bounds } from './fields.ts';

export interface QuotaKind {
  readonly quotaId: string;
  /** Where the project keeps the limit in force. */
  readonly member: 'tokenExchangesPerMinute' | 'credentialGenerationsPerMinute';
  readonly bounds: Bounds;
}

export const TOKEN_EXCHANGES: QuotaKind = {
  quotaId: 'TokenExchangeRequestsPerMinutePerProject',
  member: 'tokenExchangesPerMinute',
  bounds: TOKEN_EXCHANGES_PER_MINUTE,
};

/** What service accounts' credentials cost. */
export const CREDENTIAL_GENERATIONS: QuotaKind = {
  quotaId: 'CredentialGenerationRequestsPerMinutePerProject',
  member: 'credentialGenerationsPerMinute',
  bounds: CREDENTIAL_GENERATIONS_PER_MINUTE,
};

/** Ascending by id, as pages are. */
export const QUOTAS: readonly QuotaKind[] = [CREDENTIAL_GENERATIONS, TOKEN_EXCHANGES];

export function quotaKind(quotaId: string): QuotaKind | undefined {
  return QUOTAS.find((quota) => quota.quotaId === quotaId);
}

export function limitInForce(project: Project, { member, bounds }: QuotaKind): number {
  return project[member] ?? bounds.unset;
}

export function raiseOf(project: Project, { quotaId }: QuotaKind): TemporaryRaise | undefined {
  return project.temporaryRaises?.find((raise) => raise.quotaId === quotaId);
}

export function baseOf(project: Project, quota: QuotaKind): number {
  return raiseOf(project, quota)?.baseValue ?? limitInForce(project, quota);
}

/** The project with this base and this raise, or none. A raise never lowers: where the base is larger, the base is in force. */
export function withLimit(
  project: Project,
  quota: QuotaKind,
  baseValue: number,
  raise: Omit<TemporaryRaise, 'baseValue'> | undefined,
): Project {
  const { temporaryRaises = [], ...others } = project;
  const otherRaises = temporaryRaises.filter((one) => one.quotaId !== quota.quotaId);
  const raises = raise === undefined ? otherRaises : [...otherRaises, { ...raise, baseValue }];
  return {
    ...others,
    [quota.member]: Math.max(baseValue, raise?.value ?? 0),
    ...(raises.length > 0 ? { temporaryRaises: raises } : {}),
  };
}

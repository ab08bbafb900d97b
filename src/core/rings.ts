/**
 * Which ring signs what, by the name of its object. What a service account may have signed at will (`signBlob`) is under a key of its own,
 * published for that account alone: no issuer of ours stands behind it, so nothing assembled with it is a token of ours.
 */
import { isProjectNumber, isUniqueId } from './names.ts';

export const ringOf = {
  /** Exchanged tokens, of every pool. */
  exchanges: (projectNumber: string): string => projectNumber,
  /** Access and ID tokens of all service accounts: the issuer PUBLIC_ORIGIN/PROJECT_NUMBER. */
  accountTokens: (projectNumber: string): string => `${projectNumber}/accounts`,
  /** signJwt and signBlob of one account. */
  accountKeys: (projectNumber: string, uniqueId: string): string => `${projectNumber}/accounts/${uniqueId}`,
};

export function projectOfRing(ring: string): string {
  return ring.split('/')[0] ?? '';
}

/** Such a ring is made when it is first needed; that of exchanges comes with its project. */
export function isAccountRing(ring: string): boolean {
  const [projectNumber = '', accounts, uniqueId, ...more] = ring.split('/');
  if (!isProjectNumber(projectNumber) || accounts !== 'accounts' || more.length > 0) return false;
  return uniqueId === undefined || isUniqueId(uniqueId);
}

export function isRing(ring: string): boolean {
  return isProjectNumber(ring) || isAccountRing(ring);
}

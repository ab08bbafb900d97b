/** Which members of the policies mean a caller. */
import { mappedPrefixes, memberTexts } from '../../principal.ts';
import { EVERYBODY } from '../../resources.ts';
import { workloadOf } from '../../workload.ts';
import type { WorkloadVariables } from '../../policy/variables.ts';
import type { Identity } from '../caller.ts';

export interface Membership {
  /** Every text that surely means the caller. */
  readonly texts: ReadonlySet<string>;
  /** Might this member of a deny rule mean the caller? What is not known of him is taken to be so. */
  readonly mayBe: (member: string) => boolean;
  /** What conditions see of him. A user is no workload. */
  readonly workload?: WorkloadVariables;
}

export function membershipOf(identity: Identity): Membership {
  switch (identity.kind) {
    case 'workload': {
      const { principal, isWhole } = identity;
      const texts = memberTexts(principal);
      const unknown = isWhole ? [] : mappedPrefixes(principal);
      return {
        texts,
        mayBe: (member) =>
          member === EVERYBODY || texts.has(member) || unknown.some((prefix) => member.startsWith(prefix)),
        workload: workloadOf(principal),
      };
    }
    case 'serviceAccount': {
      const texts = new Set([`serviceAccount:${identity.email}`]);
      return { texts, mayBe: (member) => member === EVERYBODY || texts.has(member) };
    }
    case 'user': {
      const texts = new Set([`user:${identity.email}`]);
      return { texts, mayBe: (member) => member === EVERYBODY || texts.has(member) };
    }
    case 'bootstrap':
    case 'broker':
    case 'pusher':
      return { texts: new Set(), mayBe: () => false };
  }
}

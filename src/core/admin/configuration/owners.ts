/** Who owns what: told with an apply, kept beside the rows, and gone with them. Whoever owns nothing prunes nothing. */
import { ok, type Result } from '../../result.ts';
import type { Applied } from '../applied.ts';
import type { Command } from '../commands.ts';
import type { AdminDenial } from '../denial.ts';
import { policyRowName, readResourceKey } from '../history/resource-key.ts';
import type { ConfigState, Write } from '../state.ts';
import { documentNow, written } from './documents.ts';

/** The way back for the history: an owner as he was, of what is there. */
export function setOwner(
  state: ConfigState,
  { resource, owner }: Extract<Command, { type: 'owner.set' }>,
): Result<Applied, AdminDenial> {
  const named = readResourceKey(resource);
  const isThere = named !== undefined && documentNow(state, named) !== undefined;
  const isSame = (state.ownerOf(resource) ?? null) === owner;
  const writes = isSame || (!isThere && owner !== null) ? [] : [ownerWrite(resource, owner)];
  return ok({ answer: { kind: 'deleted' }, writes, shards: [] });
}

export function ownerWrite(resource: string, owner: string | null): Write {
  return owner === null ? { remove: 'owner', resource } : { put: 'owner', resource, owner };
}

/** A change, and what becomes of the owners of what it removes: the next of that name is nobody's, and so nobody's to prune. */
export function withoutOwners(state: ConfigState, applied: Applied): Applied {
  const removed = applied.writes
    .flatMap((write) => ('remove' in write ? [written(write)?.resource ?? ''] : []))
    .flatMap((resource) => [resource, ...policiesOf(resource)])
    .filter((resource) => resource !== '' && state.ownerOf(resource) !== undefined);
  if (removed.length === 0) return applied;
  return { ...applied, writes: [...applied.writes, ...removed.map((resource) => ownerWrite(resource, null))] };
}

/** The policy of a target outlives it as an empty one. */
function policiesOf(resource: string): readonly string[] {
  const named = readResourceKey(resource);
  return named?.kind === 'target' || named?.kind === 'serviceAccount' || named?.kind === 'pool'
    ? [policyRowName(named)]
    : [];
}

/** `apply` for a caller: what the command needs, then the command, then what its rows would hand on. All of it looks at one state, in one transaction. */
import type { PolicyCompiler } from '../../policy/cache.ts';
import { err, type Result } from '../../result.ts';
import type { Applied } from '../applied.ts';
import { apply } from '../apply.ts';
import type { Command } from '../commands.ts';
import type { AdminDenial } from '../denial.ts';
import { configure } from '../configuration/configure.ts';
import { refusalOfDeleted } from '../project-ends.ts';
import { restore } from '../history/restore.ts';
import { policyResourceName } from '../policies.ts';
import { deletedRefusal } from '../project-ends.ts';
import type { ApplyContext, ConfigState } from '../state.ts';
import type { Above } from './above.ts';
import { namedBy, refusalOfWrites } from './escalation.ts';
import { type Need, needOf } from './needs.ts';
import { type Rights, rightsOf } from './rights.ts';

export function applyAs(
  state: ConfigState,
  command: Command,
  context: ApplyContext,
  above: Above,
  compiler: PolicyCompiler,
): Result<Applied, AdminDenial> {
  const rights = rightsIn(state, context, above, compiler);
  const need = needOf(command);
  const denied = need && refusalOfNeed(state, need, rights);
  if (denied !== undefined) return err(denied);
  if (command.type === 'history.restore') {
    return restore(state, command, (one) => applyAs(state, one, context, above, compiler));
  }
  if (command.type === 'configuration.apply') {
    const deleted = refusalOfDeleted(state, command);
    if (deleted !== undefined) return err(deleted);
    return configure(state, command, context.caller.name, (one) => applyAs(state, one, context, above, compiler));
  }
  const applied = apply(state, command, context);
  // A push is let in by exactly one binding and goes on from keys that are trusted: its rule is stricter than these, and its own.
  if (!applied.ok || need === undefined) return applied;
  const refusal = refusalOfWrites(applied.value.writes, { state, rights, namedBy: namedBy(above) });
  return refusal === undefined ? applied : err(refusal);
}

/** The ring has no policies of its own, so its rotation is asked for here. Undefined: go on. */
export function refusalOfRotation(
  state: ConfigState,
  context: ApplyContext,
  above: Above,
  compiler: PolicyCompiler,
): AdminDenial | undefined {
  const need: Need = { permission: 'sts.signingKeys.rotate', where: { kind: 'project' } };
  return refusalOfNeed(state, need, rightsIn(state, context, above, compiler)) ?? deletedRefusal(state);
}

function rightsIn(state: ConfigState, context: ApplyContext, above: Above, compiler: PolicyCompiler): Rights {
  const { organizationPolicy } = above;
  const nowSeconds = Math.floor(Date.parse(context.time) / 1_000);
  return rightsOf(context.caller.identity, state, { organizationPolicy, nowSeconds, compiler });
}

function refusalOfNeed(state: ConfigState, { permission, where }: Need, rights: Rights): AdminDenial | undefined {
  if (rights.may(permission, where)) return undefined;
  const resource = where.kind === 'organization' ? 'organizations/1' : policyResourceName(state, where);
  return { tag: 'permission_denied', permission, resource };
}

/**
 * Back to an earlier state, in one change: all of it or nothing. Each step is tried on what the steps before it left, with the rules and
 * the rights that it would meet if it came by itself, so nobody restores what he could not write.
 */
import { projectName } from '../../names.ts';
import { err, ok, type Result } from '../../result.ts';
import type { Applied, IssuerKeysChanged } from '../applied.ts';
import type { Command } from '../commands.ts';
import { invalid, type AdminDenial } from '../denial.ts';
import type { ConfigState, Write } from '../state.ts';
import { planOf } from './plan.ts';
import { readResourceKey } from './resource-key.ts';
import type { Step } from './step.ts';

export type Restore = Extract<Command, { type: 'history.restore' }>;

type ApplyOne = (command: Command) => Result<Applied, AdminDenial>;

export function restore(state: ConfigState, wanted: Restore, applyOne: ApplyOne): Result<Applied, AdminDenial> {
  const { sequence, resource, validateOnly } = wanted;
  if (resource !== undefined && readResourceKey(resource) === undefined) {
    return err(invalid('resource', 'is not the name of a resource as the history spells it'));
  }
  const changed = state.changedSince(sequence);
  if (changed === undefined) {
    const name = `${projectName(state.project().projectNumber)}/history/${sequence}`;
    return err({ tag: 'not_found', resource: name });
  }
  const then = changed.filter((row) => resource === undefined || row.resource === resource);
  const { steps, left } = planOf(state, then, changed);
  const taken = state.rolledBack((stage) => take(steps, stage, applyOne));
  if (!taken.ok) return taken;
  const { writes, shards, alerts } = taken.value;
  const answer = {
    kind: 'restored',
    steps: steps.map((step) => ({ resource: step.resource, action: step.action })),
    left,
  } as const;
  if (validateOnly) return ok({ answer, writes: [], shards: [] });
  return ok({ answer, writes, shards: [...new Set(shards)], alerts });
}

interface Taken {
  readonly writes: Write[];
  readonly shards: string[];
  readonly alerts: IssuerKeysChanged[];
}

/** What finds its name still taken waits for the step that gives it free. */
function take(
  steps: readonly Step[],
  stage: (writes: readonly Write[]) => void,
  applyOne: ApplyOne,
): Result<Taken, AdminDenial> {
  const taken: Taken = { writes: [], shards: [], alerts: [] };
  let pending = steps;
  while (pending.length > 0) {
    const waiting: Step[] = [];
    let refused: AdminDenial | undefined;
    for (const step of pending) {
      const applied = applyOne(step.command);
      if (!applied.ok) {
        refused ??= about(step, applied.error);
        // What comes after a step that waits may be refused only because of it: the policy of a target that is not made yet.
        if (applied.error.tag !== 'already_exists' && waiting.length === 0) return err(refused);
        waiting.push(step);
        continue;
      }
      const { writes, shards, alert } = applied.value;
      stage(writes);
      taken.writes.push(...writes);
      taken.shards.push(...shards);
      if (alert !== undefined) taken.alerts.push(alert);
    }
    if (refused !== undefined && waiting.length === pending.length) return err(refused);
    pending = waiting;
  }
  return ok(taken);
}

/** Whose field it is, for the caller named none. */
function about({ resource }: Step, denial: AdminDenial): AdminDenial {
  if (denial.tag === 'failed_precondition') {
    return { ...denial, description: `${resource} cannot be as it was: ${denial.description}` };
  }
  if (denial.tag !== 'invalid_argument') return denial;
  const violations = denial.violations.map((one) => ({ ...one, field: `${resource}: ${one.field}` }));
  return { tag: 'invalid_argument', violations };
}

/** A policy that is not set but looked at: refused for what setting it would be refused for, in the normal form in which it would be kept. */
import type { Policy, Shards } from '../resources.ts';
import { ok, type Result } from '../result.ts';
import type { PolicyInput, PolicyResource } from './commands.ts';
import type { AdminDenial } from './denial.ts';
import { setPolicy } from './policies.ts';
import type { ApplyContext, ConfigState } from './state.ts';

export interface Proposal {
  /** As it is now, with the policy that is in force. */
  readonly project: Shards['project'];
  readonly policy: Policy;
  /** Of what setting it would warn. */
  readonly warnings: readonly string[];
}

export function proposalOn(
  state: ConfigState,
  project: Shards['project'],
  resource: PolicyResource,
  input: PolicyInput,
  context: ApplyContext,
): Result<Proposal, AdminDenial> {
  // Nothing is overwritten, so it does not matter what the writer had read.
  const { etag: _ignored, ...whole } = input;
  const applied = setPolicy(state, resource, whole, context);
  if (!applied.ok) return applied;
  const { answer } = applied.value;
  if (answer.kind !== 'policy') throw new Error(`a policy was answered with a ${answer.kind}`);
  return ok({ project, policy: answer.policy, warnings: answer.warnings ?? [] });
}

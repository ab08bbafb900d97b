/** Operations: every change that is answered with one is done by then. It is kept for a while, so that its name can be asked about. */
import { denyPolicyName, poolName, providerName } from '../names.ts';
import { err, ok, type Result } from '../result.ts';
import type { Applied } from './applied.ts';
import type { Answer, Command, OperationOf } from './commands.ts';
import type { AdminDenial } from './denial.ts';
import type { ConfigState } from './state.ts';

/** The answers that are an operation's outcome. */
export type Outcome = Extract<Answer, { kind: OperationOf['kind'] }>;

/** It ends in the moment of the change. */
export function operationName(outcome: Outcome, projectNumber: string): string {
  return `${nameOf(subjectOf(outcome), projectNumber)}/operations/${idOf(outcome)}`;
}

/** Agents that push keys are answered otherwise, and push all day. */
export function withOperation(state: ConfigState, command: Command, applied: Applied): Applied {
  const { answer, writes } = applied;
  if (writes.length === 0 || command.type === 'provider.pushKeys' || !isOutcome(answer)) return applied;
  const operation = { name: operationName(answer, state.project().projectNumber), answer };
  return { ...applied, writes: [...writes, { put: 'operation', operation }] };
}

export function readOperation(state: ConfigState, of: OperationOf, operationId: string): Result<Answer, AdminDenial> {
  const name = `${nameOf(of, state.project().projectNumber)}/operations/${operationId}`;
  const kept = state.operation(name);
  if (kept !== undefined) return ok(kept.answer);
  // A command that found nothing to do was answered with the change before it, which may have been an agent's push.
  const newest = newestOf(state, of);
  return newest !== undefined && idOf(newest) === operationId ? ok(newest) : err({ tag: 'not_found', resource: name });
}

function isOutcome(answer: Answer): answer is Outcome {
  return answer.kind === 'pool' || answer.kind === 'provider' || answer.kind === 'denyPolicy';
}

function idOf(outcome: Outcome): string {
  return changeTimeOf(outcome).replaceAll(/[^0-9]/g, '');
}

function changeTimeOf(outcome: Outcome): string {
  switch (outcome.kind) {
    case 'pool':
      return outcome.pool.updateTime;
    case 'provider':
      return outcome.provider.updateTime;
    case 'denyPolicy':
      return outcome.deleteTime ?? outcome.policy.updateTime;
  }
}

function subjectOf(outcome: Outcome): OperationOf {
  switch (outcome.kind) {
    case 'pool':
      return { kind: 'pool', poolId: outcome.pool.poolId };
    case 'provider': {
      const { poolId, providerId } = outcome.provider;
      return { kind: 'provider', poolId, providerId };
    }
    case 'denyPolicy': {
      const { attachment, policyId } = outcome.policy;
      return { kind: 'denyPolicy', attachment, policyId };
    }
  }
}

function nameOf(of: OperationOf, projectNumber: string): string {
  switch (of.kind) {
    case 'pool':
      return poolName(projectNumber, of.poolId);
    case 'provider':
      return providerName({ projectNumber, ...of });
    case 'denyPolicy':
      return denyPolicyName(projectNumber, of.attachment, of.policyId);
  }
}

function newestOf(state: ConfigState, of: OperationOf): Outcome | undefined {
  switch (of.kind) {
    case 'pool': {
      const pool = state.pool(of.poolId) ?? state.deletedPool(of.poolId);
      return pool && { kind: 'pool', pool };
    }
    case 'provider': {
      const provider = state.provider(of.poolId, of.providerId) ?? state.deletedProvider(of.poolId, of.providerId);
      return provider && { kind: 'provider', provider, warnings: [] };
    }
    case 'denyPolicy': {
      const policy = state.denyPolicy(of);
      return policy && { kind: 'denyPolicy', policy };
    }
  }
}

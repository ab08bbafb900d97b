/** One project under administration: commands applied and committed one after the other, as the Registry would. */
import { apply, type Applied } from '../../src/core/admin/apply.ts';
import type { Answer, Command, Query } from '../../src/core/admin/commands.ts';
import type { AdminDenial } from '../../src/core/admin/denial.ts';
import { read } from '../../src/core/admin/read.ts';
import type { ApplyContext } from '../../src/core/admin/state.ts';
import type { Result } from '../../src/core/result.ts';
import { contextAt, PROJECT } from './admin-samples.ts';
import { MemoryConfig } from './memory-config.ts';

export class Administered {
  readonly state = new MemoryConfig(PROJECT, contextAt(1));
  #epoch = 1;

  try(command: Command, changes: Partial<ApplyContext> = {}): Result<Applied, AdminDenial> {
    const applied = apply(this.state, command, contextAt(this.#epoch + 1, changes));
    if (!applied.ok) return applied;
    this.#epoch += 1;
    this.state.commit(applied.value.writes);
    return applied;
  }

  /** What must succeed. */
  do(command: Command, changes: Partial<ApplyContext> = {}): Applied {
    const applied = this.try(command, changes);
    if (!applied.ok) throw new Error(`refused: ${JSON.stringify(applied.error)}`);
    return applied.value;
  }

  /** What must be refused. */
  refuse(command: Command, changes: Partial<ApplyContext> = {}): AdminDenial {
    const applied = this.try(command, changes);
    if (applied.ok) throw new Error(`accepted: ${JSON.stringify(applied.value.answer)}`);
    return applied.error;
  }

  ask(query: Query): Answer {
    const answer = read(this.state, query);
    if (!answer.ok) throw new Error(`refused: ${JSON.stringify(answer.error)}`);
    return answer.value;
  }
}

/** The fields that a refusal names; empty where it is no matter of fields. */
export function fieldsOf(denial: AdminDenial): readonly string[] {
  return denial.tag === 'invalid_argument' ? denial.violations.map((violation) => violation.field) : [];
}

/** Everything that a refusal says about its fields. */
export function sentencesOf(denial: AdminDenial): string {
  if (denial.tag !== 'invalid_argument') return JSON.stringify(denial);
  return denial.violations.map(({ field, description }) => `${field}: ${description}`).join('\n');
}

/** A refusal as CONTRACT has it: the code, JSON, no-store; and the reason that the operator reads. */
import { expect } from 'vitest';
import type { Answer, AuditLine } from '../support/broker.ts';

export async function expectRefusal(
  audit: { lineFor(answer: Answer): Promise<AuditLine> },
  answer: Answer,
  status: number,
  error: string,
  reason: string,
  check?: string,
): Promise<void> {
  expect({ status: answer.status, error: answer.body['error'] }).toEqual({ status, error });
  expect(typeof answer.body['error_description']).toBe('string');
  expect(answer.headers.get('cache-control')).toBe('no-store');
  expect(answer.headers.get('content-type')).toContain('application/json');
  const line = await audit.lineFor(answer);
  expect(line).toMatchObject({ event: 'exchange', outcome: 'refused', reason });
  if (check !== undefined && check !== '') expect(String(line['check'])).toContain(check);
}

/** All headers but the one that is each answer's own: what a stranger could tell two refusals apart by. */
export function sameHeaders(answer: Answer): string {
  return JSON.stringify([...answer.headers].filter(([name]) => name !== 'x-request-id'));
}

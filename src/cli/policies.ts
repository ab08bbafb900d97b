/** Allow policies: read whole, conditions included, and shown as one line a member. */
import type { Resource } from '../client/administration.ts';
import { cell } from './columns.ts';
import type { Connection } from './connection.ts';
import { answered } from './reply.ts';
import { renderTable } from './table.ts';

const POLICY_VERSION_WITH_CONDITIONS = 3;

export async function readPolicy({ administration }: Connection, name: string): Promise<Resource> {
  const options = { requestedPolicyVersion: POLICY_VERSION_WITH_CONDITIONS };
  return answered(`get the policy of ${name}`, await administration.call(name, 'getIamPolicy', { options }));
}

export function policyText(policy: Resource, paintHeading: (text: string) => string): string {
  const { bindings } = policy;
  const rows = (Array.isArray(bindings) ? bindings : []).flatMap(
    ({ role, members, condition }: { role?: unknown; members?: readonly unknown[]; condition?: Resource }) =>
      (members ?? []).map((member) => [
        cell(role),
        cell(member),
        cell(condition?.['title'] ?? condition?.['expression']),
      ]),
  );
  if (rows.length === 0) return 'No bindings: nobody is let in here.\n';
  return renderTable({ headings: ['ROLE', 'MEMBER', 'CONDITION'], rows }, paintHeading);
}

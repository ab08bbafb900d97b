/** A project's AWS account and the roles of its service accounts, brought back by one restore: neither is taken without the other. */
import { expect, it } from 'vitest';
import { Administered } from '../../../support/administer.ts';

const ACCOUNT = '123456789012';
const ARN = `arn:aws:iam::${ACCOUNT}:role/checkout`;

function accountOf(project: Administered, awsAccountId: string): void {
  project.do({ type: 'project.patch', input: { awsAccountId }, mask: ['awsAccountId'] });
}

function roleOf(project: Administered, arn: string | undefined): void {
  const input = arn === undefined ? {} : { awsRole: { arn } };
  project.do({ type: 'serviceAccount.patch', accountId: 'checkout', input, mask: ['awsRole'] });
}

it('with the account gone, and the role with it, both come back; and both go again', () => {
  const project = new Administered();
  project.do({ type: 'serviceAccount.create', accountId: 'checkout', input: {} });
  const without = project.state.entries.length;
  accountOf(project, ACCOUNT);
  roleOf(project, ARN);
  const having = project.state.entries.length;
  roleOf(project, undefined);
  accountOf(project, '');
  project.do({ type: 'history.restore', sequence: having, validateOnly: false });
  expect(project.state.project().awsAccountId).toBe(ACCOUNT);
  expect(project.state.serviceAccount('checkout')?.awsRole?.arn).toBe(ARN);
  project.do({ type: 'history.restore', sequence: without, validateOnly: false });
  expect(project.state.project().awsAccountId).toBeUndefined();
  expect(project.state.serviceAccount('checkout')?.awsRole).toBeUndefined();
});

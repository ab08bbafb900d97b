/** Service accounts by a file: made, changed, deleted and back, with their policies, their roles of AWS, and their owners. */
import { describe, expect, it } from 'vitest';
import { listConfiguration } from '../../../../src/core/admin/configuration/list.ts';
import { Administered, fieldsOf } from '../../../support/administer.ts';
import { diff, MEMBER, one, stepsOf, wished } from './support.ts';

const TEAM = { owner: 'team-a', prune: true };
const ACCOUNT = one('serviceAccount/checkout', 'serviceAccount', { displayName: 'Checkout', maxTokenLifetime: '900s' });
const POLICY = one('policy/serviceAccount/checkout', 'policy', {
  bindings: [{ role: 'roles/iam.workloadIdentityUser', members: [MEMBER] }],
});
const BOTH = [POLICY, ACCOUNT];
const OWN = { kind: 'serviceAccount', accountId: 'checkout' } as const;

describe('a service account in a file', () => {
  it('is made with its policy, and the same file again differs in nothing', () => {
    const project = new Administered();
    expect(stepsOf(project.do(wished(BOTH)))).toEqual([
      'CREATED serviceAccount/checkout',
      'CREATED policy/serviceAccount/checkout',
    ]);
    expect(project.state.serviceAccount('checkout')).toMatchObject({ displayName: 'Checkout' });
    expect(project.state.policy(OWN)?.bindings).toHaveLength(1);
    expect(diff(project, BOTH)).toEqual([]);
  });

  it('is changed to the whole of what is said: what is left out is at its default', () => {
    const project = new Administered();
    project.do(wished(BOTH));
    const changed = [one('serviceAccount/checkout', 'serviceAccount', { description: 'Pays' })];
    expect(stepsOf(project.do(wished(changed)))).toEqual(['CHANGED serviceAccount/checkout']);
    expect(project.state.serviceAccount('checkout')).toMatchObject({
      displayName: '',
      description: 'Pays',
      maxTokenLifetimeSeconds: 3_600,
    });
  });

  it('stays disabled, whoever applies: to enable it is an act of its own', () => {
    const project = new Administered();
    project.do(wished(BOTH));
    project.do({ type: 'serviceAccount.disable', accountId: 'checkout' });
    const changed = one('serviceAccount/checkout', 'serviceAccount', { displayName: 'Other' });
    project.do(wished([changed]));
    project.do(wished([{ resource: 'serviceAccount/checkout', desired: null }]));
    expect(stepsOf(project.do(wished([changed])))).toEqual(['UNDELETED serviceAccount/checkout']);
    expect(project.state.serviceAccount('checkout')).toMatchObject({ disabled: true, displayName: 'Other' });
  });

  it('comes back as the same one, under its old number, and says so', () => {
    const project = new Administered();
    project.do(wished(BOTH));
    const { uniqueId } = project.state.serviceAccount('checkout') ?? {};
    expect(stepsOf(project.do(wished([{ resource: 'serviceAccount/checkout', desired: null }])))).toContain(
      'DELETED serviceAccount/checkout',
    );
    expect(project.state.serviceAccount('checkout')).toBeUndefined();
    expect(diff(project, [ACCOUNT])).toContain('UNDELETED serviceAccount/checkout');
    project.do(wished([ACCOUNT]));
    expect(project.state.serviceAccount('checkout')?.uniqueId).toBe(uniqueId);
  });

  it('is exported as the file that makes it', () => {
    const project = new Administered();
    project.do(wished(BOTH, TEAM));
    const { resources } = listConfiguration(project.state, { pageSize: 100, after: '', owner: 'team-a' });
    expect(resources.map(({ resource }) => resource)).toEqual([
      'serviceAccount/checkout',
      'policy/serviceAccount/checkout',
    ]);
    const [account] = resources;
    expect(JSON.parse(account?.document ?? '')).toEqual({
      displayName: 'Checkout',
      description: '',
      maxTokenLifetime: '900s',
    });
  });

  it('takes no wrong document, and nothing of the whole is done then', () => {
    const project = new Administered();
    const wrong = one('serviceAccount/checkout', 'serviceAccount', { maxTokenLifetime: '1s' });
    const denial = project.refuse(wished([one('target/files', 'target', { uri: 'https://files.example.com' }), wrong]));
    expect(fieldsOf(denial)).toEqual(['serviceAccount/checkout: maxTokenLifetime']);
    expect(project.state.target('files')).toBeUndefined();
  });
});

describe('its owner', () => {
  it('prunes it with its policy when his files name neither', () => {
    const project = new Administered();
    project.do(wished(BOTH, TEAM));
    expect(stepsOf(project.do(wished([], TEAM))).toSorted()).toEqual([
      'DELETED policy/serviceAccount/checkout',
      'DELETED serviceAccount/checkout',
    ]);
    expect(project.state.ownedBy('team-a')).toEqual([]);
  });

  it.each([
    ['a service account', BOTH, { type: 'serviceAccount.delete', accountId: 'checkout' }],
    [
      'a pool',
      [
        one('pool/my-pool', 'pool', {}),
        one('policy/pool/my-pool', 'policy', { bindings: [{ role: 'roles/owner', members: ['user:a@example.com'] }] }),
      ],
      { type: 'pool.delete', poolId: 'my-pool' },
    ],
  ] as const)('is not held up by %s that somebody deleted by hand', (_what, files, deletion) => {
    const project = new Administered();
    project.do(wished(files, TEAM));
    project.do(deletion);
    project.do(wished([], TEAM));
    expect(project.state.ownedBy('team-a')).toEqual([]);
  });
});

describe('the project', () => {
  const AWS = one('project', 'project', { awsAccountId: '123456789012' });
  const ROLE = one('serviceAccount/checkout', 'serviceAccount', {
    awsRole: { arn: 'arn:aws:iam::123456789012:role/checkout' },
  });

  it('takes its AWS account by a file, and with it the roles of its service accounts', () => {
    const project = new Administered();
    expect(stepsOf(project.do(wished([ROLE, AWS]))).toSorted()).toEqual([
      'CHANGED project',
      'CREATED serviceAccount/checkout',
    ]);
    expect(project.state.project().awsAccountId).toBe('123456789012');
    expect(project.state.serviceAccount('checkout')?.awsRole?.arn).toContain(':role/checkout');
    expect(diff(project, [ROLE, AWS])).toEqual([]);
  });

  it('takes the longest life of its service accounts’ tokens by a file', () => {
    const project = new Administered();
    const shorter = [one('project', 'project', { maxServiceAccountTokenLifetime: '600s' })];
    expect(diff(project, shorter)).toEqual(['CHANGED project']);
    project.do(wished(shorter));
    expect(project.state.project().maxServiceAccountTokenLifetimeSeconds).toBe(600);
    expect(diff(project, shorter)).toEqual([]);
  });
});

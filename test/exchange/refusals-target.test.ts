/** CONTRACT's exchange table, what one may not have: unknown, disabled and ungranted look the same from outside. */
import { beforeAll, describe, expect, it } from 'vitest';
import {
  addCluster,
  addRole,
  addTarget,
  type Answer,
  captureAudit,
  type Cluster,
  createProject,
  exchange,
  member,
  must,
  postToken,
  setPolicy,
  type TestProject,
  type TestTarget,
  tokenForm,
} from '../support/broker.ts';
import { expectRefusal, sameHeaders } from './refusals-support.ts';

const audit = captureAudit();
let project: TestProject;
let cluster: Cluster;
let target: TestTarget;

beforeAll(async () => {
  project = await createProject();
  cluster = await addCluster(project);
  target = await addTarget(project);
});

describe('400 invalid_target, always the same bytes', () => {
  const texts = new Set<string>();
  const headers = new Set<string>();

  async function expectInvalidTarget(answer: Answer, reason: string, check: string): Promise<void> {
    await expectRefusal(audit, answer, 400, 'invalid_target', reason, check);
    texts.add(answer.text);
    headers.add(sameHeaders(answer));
    expect([texts.size, headers.size]).toEqual([1, 1]);
  }

  it('unknown pool', async () => {
    const audience = cluster.audience.replace(cluster.pool, 'no-such-pool');
    await expectInvalidTarget(await postToken(tokenForm(audience, await cluster.token())), 'unknown_provider', 'pool');
  });

  it('unknown project', async () => {
    const audience = cluster.audience.replace(project.number, '999999999999');
    await expectInvalidTarget(await postToken(tokenForm(audience, await cluster.token())), 'unknown_provider', 'pool');
  });

  it('project id in place of the number', async () => {
    const audience = cluster.audience.replace(project.number, project.id);
    await expectInvalidTarget(await postToken(tokenForm(audience, await cluster.token())), 'unknown_provider', '');
  });

  it('names that climb out of their place: looked for nowhere', async () => {
    const { number } = project;
    for (const [one, other] of [
      [number, '..'],
      [cluster.pool, '..'],
      [cluster.providerId, '..'],
      [cluster.providerId, '__proto__'],
    ] as const) {
      const audience = cluster.audience.replace(`/${one}`, `/${other}`);
      const answer = await postToken(tokenForm(audience, await cluster.token()));
      await expectInvalidTarget(answer, 'unknown_provider', 'malformed name');
    }
  });

  it('unknown provider', async () => {
    const audience = cluster.audience.replace(cluster.providerId, 'no-such-one');
    await expectInvalidTarget(
      await postToken(tokenForm(audience, await cluster.token())),
      'unknown_provider',
      'provider',
    );
  });

  it('disabled provider', async () => {
    const other = await addCluster(project, { extra: { disabled: true } });
    await expectInvalidTarget(await exchange(other), 'disabled', 'provider');
  });

  it('disabled pool', async () => {
    const pools = `/v1/projects/${project.number}/locations/global/workloadIdentityPools`;
    await must('POST', `${pools}?workloadIdentityPoolId=off-pool`, { disabled: true });
    const other = await addCluster(project, { pool: 'off-pool' });
    await expectInvalidTarget(await exchange(other), 'disabled', 'pool');
  });

  it('unknown target', async () => {
    const answer = await exchange(cluster, 'https://nowhere.example.com/secret');
    await expectInvalidTarget(answer, 'unknown_target', '');
    expect(JSON.stringify(await audit.lineFor(answer))).not.toContain('nowhere');
    await expectInvalidTarget(
      await exchange(cluster, `${target.uri}/`),
      'unknown_target',
      `${target.id} differs by a slash`,
    );
  });

  it('a target that the path of an object prototype would name', async () => {
    await expectInvalidTarget(await exchange(cluster, '__proto__'), 'unknown_target', '');
    await expectInvalidTarget(await exchange(cluster, 'constructor'), 'unknown_target', '');
  });

  it('ungranted target', async () => {
    await expectInvalidTarget(await exchange(cluster, target.uri), 'not_granted', 'no binding on');
  });
});

describe('administrative roles open no target', () => {
  it.each([
    'roles/owner',
    'roles/iam.workloadIdentityPoolAdmin',
    'roles/iam.workloadIdentityPoolViewer',
    'roles/resourcemanager.projectIamAdmin',
    'roles/cloudquotas.admin',
    'roles/cloudquotas.viewer',
    'roles/iam.serviceAccountAdmin',
    'roles/iam.workloadIdentityUser',
    'roles/iam.serviceAccountTokenCreator',
    'roles/iam.serviceAccountOpenIdTokenCreator',
    'roles/iam.roleAdmin',
    'roles/sts.targetAdmin',
    'roles/sts.targetViewer',
  ])('%s on project and target', async (role) => {
    const members = [member(project, cluster.pool, '*', 'principalSet')];
    await setPolicy(target.path, [{ role, members }]);
    await setPolicy(`/v1/projects/${project.number}`, [{ role, members }]);
    await expectRefusal(audit, await exchange(cluster, target.uri), 400, 'invalid_target', 'not_granted');
  });

  it("a custom role of the broker's own permissions", async () => {
    const role = await addRole(project, ['iam.roles.get', 'cloudquotas.quotas.update', 'sts.targets.get']);
    await setPolicy(target.path, [{ role, members: [member(project, cluster.pool, '*', 'principalSet')] }]);
    await expectRefusal(audit, await exchange(cluster, target.uri), 400, 'invalid_target', 'not_granted');
  });
});

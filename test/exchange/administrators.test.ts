/** Who may come in at the administration's door today, over HTTP. */
import { beforeAll, describe, expect, it } from 'vitest';
import {
  addCluster,
  addRole,
  addTarget,
  call,
  type Cluster,
  createProject,
  exchange,
  member,
  setPolicy,
  type TestProject,
} from '../support/broker.ts';

let project: TestProject;
let cluster: Cluster;

beforeAll(async () => {
  project = await createProject();
  cluster = await addCluster(project);
});

const knock = async (authorization?: string): Promise<{ status: number; reason: unknown }> => {
  const answer = await call('/v1/projects', authorization === undefined ? {} : { headers: { authorization } });
  return { status: answer.status, reason: (answer.body['error'] as { status?: string } | undefined)?.status };
};

describe('the administration', () => {
  it('does not know who shows nothing, or something that is not ours', async () => {
    const [header = '', payload = ''] = String((await exchange(cluster)).body['access_token']).split('.');
    for (const authorization of [
      undefined,
      'Bearer nonsense',
      'Basic eA==',
      `Bearer ${await cluster.token()}`,
      `Bearer ${header}.${payload}.AAAA`,
    ]) {
      expect(await knock(authorization)).toEqual({ status: 401, reason: 'UNAUTHENTICATED' });
    }
  });

  it('knows who shows a token of ours for the broker, and gives him no right', async () => {
    const token = String((await exchange(cluster)).body['access_token']);
    expect(await knock(`Bearer ${token}`)).toEqual({ status: 403, reason: 'PERMISSION_DENIED' });
  });

  it("does not take a token for somebody else's audience", async () => {
    const [target, role] = [await addTarget(project), await addRole(project)];
    await setPolicy(target.path, [{ role, members: [member(project, cluster.pool, '*', 'principalSet')] }]);
    const token = String((await exchange(cluster, target.uri)).body['access_token']);
    expect(await knock(`Bearer ${token}`)).toEqual({ status: 401, reason: 'UNAUTHENTICATED' });
  });
});

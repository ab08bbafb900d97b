/** `dryRunCondition`: evaluated beside the condition in force, written into the audit line, and never any part of an answer. */
import { beforeAll, describe, expect, it } from 'vitest';
import {
  addCluster,
  addRole,
  addTarget,
  admin,
  type Answer,
  captureAudit,
  createProject,
  exchange,
  member,
  must,
  type TestProject,
  type TestTarget,
} from '../support/broker.ts';

const audit = captureAudit();
let project: TestProject;
let target: TestTarget;
let role: string;

beforeAll(async () => {
  project = await createProject();
  target = await addTarget(project);
  role = await addRole(project);
});

const dryRunOf = async (answer: Answer): Promise<unknown> => (await audit.lineFor(answer))['dryRun'];

describe('beside a provider’s attribute condition', () => {
  it.each([
    ['assertion.sub.endsWith(":checkout")', 'true', true],
    ['assertion.sub.endsWith(":other")', 'true', false],
    ['assertion.nobody == 1', 'true', 'error'],
    ['assertion.sub.endsWith(":checkout")', 'false', true],
    ['assertion.sub.endsWith(":other")', 'false', false],
  ])('%s, in force %s: is written down as %s', async (dryRunCondition, attributeCondition, value) => {
    const cluster = await addCluster(project, { extra: { attributeCondition, dryRunCondition } });
    const answer = await exchange(cluster);
    // What is in force decides, alone.
    expect(answer.status).toBe(attributeCondition === 'true' ? 200 : 400);
    expect(await dryRunOf(answer)).toEqual([
      {
        on: cluster.name,
        value,
        ...(value === 'error' ? { error: expect.stringContaining('absent') } : {}),
        inForce: attributeCondition === 'true',
      },
    ]);
  });

  it('is shown, patched and taken away like any other member; what does not compile is refused', async () => {
    const cluster = await addCluster(project, { extra: { dryRunCondition: 'assertion.sub == "x"' } });
    const path = `/v1/${cluster.name}`;
    expect(await must('GET', path)).toMatchObject({ dryRunCondition: 'assertion.sub == "x"' });
    const bad = await admin('PATCH', `${path}?updateMask=dryRunCondition`, { dryRunCondition: 'assertionn.sub == 1' });
    expect([bad.status, bad.text.includes('"field":"dryRunCondition"')]).toEqual([400, true]);
    await must('PATCH', `${path}?updateMask=dryRunCondition`, {});
    expect(await must('GET', path)).not.toHaveProperty('dryRunCondition');
    expect(await dryRunOf(await exchange(cluster))).toBeUndefined();
  });
});

describe('beside a binding’s condition', () => {
  const bind = async (binding: object): Promise<void> => {
    const members = [member(project, project.builtInPool, '*', 'principalSet')];
    await must('POST', `${target.path}:setIamPolicy`, {
      policy: { version: 3, bindings: [{ role, members, ...binding }] },
    });
  };
  const NEVER = { expression: 'request.time < timestamp("2001-01-01T00:00:00Z")' };
  const SHOP = { title: 'shop only', expression: 'request.workload.namespace == "shop"' };

  it('a false one takes nothing away', async () => {
    const cluster = await addCluster(project);
    await bind({ dryRunCondition: NEVER });
    const answer = await exchange(cluster, target.uri);
    expect(answer.status).toBe(200);
    expect(await dryRunOf(answer)).toEqual([
      { on: `projects/${project.number}/targets/${target.id} ${role}`, value: false, inForce: true },
    ]);
  });

  it('a true one gives nothing', async () => {
    const cluster = await addCluster(project);
    await bind({ condition: { ...NEVER, title: 'over' }, dryRunCondition: SHOP });
    const answer = await exchange(cluster, target.uri);
    expect(answer.status).toBe(400);
    expect(await dryRunOf(answer)).toEqual([
      { on: `projects/${project.number}/targets/${target.id} ${role} (over)`, value: true, inForce: false },
    ]);
  });

  it('a dear one costs the decision nothing: it has a budget of its own', async () => {
    const cluster = await addCluster(project);
    const hundred = `[${Array.from({ length: 100 }, (_, index) => index).join(', ')}]`;
    await bind({ dryRunCondition: { expression: `${hundred}.all(i, ${hundred}.all(j, i + j >= 0))` } });
    const answer = await exchange(cluster, target.uri);
    expect([answer.status, answer.body['expires_in']]).toEqual([200, expect.any(Number)]);
    expect(await dryRunOf(answer)).toMatchObject([
      { value: 'error', error: expect.stringContaining('costs too much') },
    ]);
  });

  it('belongs to version 3 and is kept by who reads and writes the policy whole', async () => {
    await bind({ dryRunCondition: SHOP });
    const options = { options: { requestedPolicyVersion: 3 } };
    const policy = await must('POST', `${target.path}:getIamPolicy`, options);
    expect(policy).toMatchObject({ version: 3, bindings: [{ dryRunCondition: SHOP }] });
    expect(await must('POST', `${target.path}:setIamPolicy`, { policy })).toMatchObject({
      bindings: policy['bindings'],
    });
    const old = await must('POST', `${target.path}:getIamPolicy`, {});
    const [first] = old['bindings'] as { role: string }[];
    expect(first?.role).toContain('_withcond_');
    const refused = await admin('POST', `${target.path}:setIamPolicy`, { policy: { ...policy, version: 1 } });
    expect(refused.status).toBe(400);
  });
});

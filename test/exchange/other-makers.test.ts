/** Tokens of other makers than Kubernetes: what GitHub and Entra put into the header passes, a claim of another type does not. */
import { beforeAll, describe, expect, it } from 'vitest';
import { claimsOf, createProject, type TestProject } from '../support/broker.ts';
import { addOidc } from './hostile-support.ts';

let project: TestProject;

beforeAll(async () => {
  project = await createProject();
});

describe('tokens of other makers, on an oidc provider', () => {
  it('as GitHub Actions signs them', async () => {
    const github = await addOidc(
      project,
      { 'google.subject': 'assertion.sub', 'attribute.repository': 'assertion.repository' },
      "assertion.repository_owner_id == '65'",
    );
    const answer = await github.exchange(
      {
        sub: 'repo:octo-org/octo-repo:environment:prod',
        environment: 'prod',
        ref: 'refs/heads/main',
        sha: 'example-sha',
        repository: 'octo-org/octo-repo',
        repository_owner: 'octo-org',
        repository_owner_id: '65',
        actor_id: '12',
        run_id: '1234567890',
        run_attempt: '2',
        runner_environment: 'github-hosted',
        job_workflow_ref: 'octo-org/octo-automation/.github/workflows/oidc.yml@refs/heads/main',
      },
      undefined,
      { typ: 'JWT', x5t: 'eBZ_cn3sXYAd0ch4THBKHIgOwOE' },
    );
    expect(answer.status, answer.text).toBe(200);
    expect(claimsOf(answer)['sub']).toBe('repo:octo-org/octo-repo:environment:prod');
  });

  it('as Entra signs them, with its thumbprints', async () => {
    const entra = await addOidc(
      project,
      { 'google.subject': 'assertion.oid' },
      "assertion.tid == '72f988bf-0000-0000-0000-2d7cd011db47'",
    );
    const answer = await entra.exchange(
      {
        tid: '72f988bf-0000-0000-0000-2d7cd011db47',
        oid: '5d8c1a2e-1111-2222-3333-444455556666',
        ver: '2.0',
        aio: 'E2',
        rh: '0.',
        uti: 'x',
      },
      undefined,
      { typ: 'JWT', x5t: 'nOo3ZDrODXEK1jKWhXslHR_KXEg', 'x5t#S256': 'qU6qKTlEMZNyYeLMQyQkEDQCKdpQUP1eDyuZ3bnA5fQ' },
    );
    expect(answer.status, answer.text).toBe(200);
    expect(claimsOf(answer)['sub']).toBe('5d8c1a2e-1111-2222-3333-444455556666');
  });

  it('a claim of another type than the condition expects lets nobody in', async () => {
    const ci = await addOidc(project, { 'google.subject': 'assertion.sub' }, 'assertion.email_verified == true');
    expect((await ci.exchange({ email_verified: true })).status).toBe(200);
    for (const value of ['true', 'false', 1, null, [true], { true: true }, undefined]) {
      const answer = await ci.exchange({ email_verified: value });
      expect([value, answer.body['error']]).toEqual([value, 'unauthorized_client']);
    }
  });
});

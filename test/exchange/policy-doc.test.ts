/** Runs `docs/policy.md`: each policy as it stands there, each row of its table as an exchange, or where it names a time, as an explanation. */
import { beforeAll, describe, expect, it } from 'vitest';
import policyDoc from '../../docs/policy.md?raw';
import {
  addCluster,
  type Answer,
  type Cluster,
  claimsOf,
  createProject,
  must,
  postToken,
  tokenForm,
  type TestProject,
} from '../support/broker.ts';
import { createIssuer, type Issuer } from '../support/issuer.ts';

interface Row {
  readonly who: string;
  readonly at: string;
  readonly gets: string;
  readonly life: string;
}

interface Example {
  readonly title: string;
  readonly blocks: readonly { readonly kind: string; readonly text: string }[];
  readonly rows: readonly Row[];
}

const EXAMPLES: readonly Example[] = policyDoc
  .split(/^## /m)
  .slice(1)
  .map((section): Example => ({
    title: section.split('\n')[0] ?? '',
    blocks: [...section.matchAll(/^```json ([a-z ]+)\n(.*?)^```$/gms)].map((match) => ({
      kind: match[1] ?? '',
      text: match[2] ?? '',
    })),
    rows: [...section.matchAll(/^\| ((?:blue|green|github).*) \|$/gm)].map((match) => rowOf(match[1] ?? '')),
  }))
  .filter((example) => example.blocks.length > 0);

function rowOf(line: string): Row {
  const cells = line.split('|').map((cell) => cell.trim());
  const [who = '', second = '', third = '', fourth = ''] = cells;
  return cells.length === 2 ? { who, at: '', gets: second, life: '' } : { who, at: second, gets: third, life: fourth };
}

let project: TestProject;
let github: Issuer;
let githubAudience: string;
const clusters = new Map<string, Cluster>();

const filled = (text: string): string =>
  text
    .replaceAll(
      'BUILT_IN',
      `iam.googleapis.com/projects/${project.number}/locations/global/workloadIdentityPools/${project.builtInPool}`,
    )
    .replaceAll(
      '//CI/',
      `//iam.googleapis.com/projects/${project.number}/locations/global/workloadIdentityPools/ci-jobs/`,
    )
    .replaceAll('PROJECT_ID', project.id)
    .replaceAll('PROJECT_NUMBER', project.number);

beforeAll(async () => {
  project = await createProject();
  const pools = `/v1/projects/${project.number}/locations/global/workloadIdentityPools`;
  for (const color of ['blue', 'green']) {
    const cluster = await addCluster(project, { clusterUri: `https://clusters.example.com/${color}` });
    clusters.set(color, cluster);
  }
  await must('POST', `${pools}?workloadIdentityPoolId=ci-jobs`, {});
  github = await createIssuer('RS256');
  const provider = EXAMPLES.flatMap((example) => example.blocks).find((block) => block.kind === 'provider');
  const body = JSON.parse(filled(provider?.text ?? '{}')) as { oidc: object };
  const withKeys = { ...body, oidc: { ...body.oidc, jwksJson: github.jwksJson } };
  await must('POST', `${pools}/ci-jobs/providers?workloadIdentityPoolProviderId=github`, withKeys);
  githubAudience = `//iam.googleapis.com/projects/${project.number}/locations/global/workloadIdentityPools/ci-jobs/providers/github`;
  for (const roleId of ['reader', 'writer']) {
    const role = { includedPermissions: [`orders.${roleId}`] };
    await must('POST', `/v1/projects/${project.number}/roles`, { roleId, role });
  }
  await must('POST', `/v1/projects/${project.number}/targets?targetId=orders`, {
    uri: 'https://orders.example.com',
    resource: { name: 'databases/orders' },
    tags: { [`${project.number}/env`]: 'prod' },
  });
});

async function tokenOf(who: string, issuedAtSeconds: number): Promise<{ audience: string; token: string }> {
  const claims = /^github (\{.*\})$/.exec(who)?.[1];
  if (claims !== undefined) {
    const times = { iat: issuedAtSeconds, exp: issuedAtSeconds + 600 };
    const all = { iss: 'https://token.actions.githubusercontent.com', aud: `https:${githubAudience}`, ...times };
    return { audience: githubAudience, token: await github.sign({ ...all, ...JSON.parse(claims) }) };
  }
  const match = /^(blue|green), ([a-z0-9-]+)\/([a-z0-9-]+)(?:, node ([a-z0-9-]+))?(?:, pod ([a-z0-9-]+))?$/.exec(who);
  const [, color = '', namespace = '', name = '', node, pod] = match ?? [];
  const cluster = clusters.get(color);
  if (cluster === undefined) throw new Error(`the table names nobody: ${who}`);
  const claimed = {
    iss: cluster.issuerUri,
    aud: [`https:${cluster.audience}`],
    iat: issuedAtSeconds,
    exp: issuedAtSeconds + 7_200,
    sub: `system:serviceaccount:${namespace}:${name}`,
    'kubernetes.io': {
      namespace,
      serviceaccount: { name, uid: 'sa-uid' },
      ...(node === undefined ? {} : { node: { name: node } }),
      ...(pod === undefined ? {} : { pod: { name: 'pod-1', uid: pod } }),
    },
  };
  return { audience: cluster.audience, token: await cluster.issuer.sign(claimed) };
}

const rolesOf = (roles: unknown): string =>
  Array.isArray(roles) ? roles.map((role) => String(role).split('/').at(-1)).join(', ') : 'no';

/** Now: by an exchange. At another time: as it is explained for then, by a token of then. */
async function outcome(row: Row): Promise<{ gets: string; life: string }> {
  if (row.at === '') {
    const { audience, token } = await tokenOf(row.who, Math.floor(Date.now() / 1_000));
    const answer: Answer = await postToken(tokenForm(audience, token, { resource: 'https://orders.example.com' }));
    return { gets: answer.status === 200 ? rolesOf(claimsOf(answer)['roles']) : 'no', life: '' };
  }
  const { token } = await tokenOf(row.who, Date.parse(row.at) / 1_000);
  const told = await must('POST', `/v1/projects/${project.number}/targets/orders:troubleshoot`, {
    token,
    time: row.at,
  });
  const { roles, expiresIn } = told['exchange'] as { roles?: unknown; expiresIn?: number };
  return { gets: rolesOf(roles), life: expiresIn === undefined ? '' : `${expiresIn} s` };
}

it('has examples for all that it promises', () => {
  const titles = EXAMPLES.map((example) => example.title);
  expect(titles).toEqual(
    expect.arrayContaining([
      'Two clusters apart',
      'Temporary access',
      'One namespace',
      'One node prefix, one pod',
      'CI jobs',
      'Tags and names of the resource',
      'Taking away',
    ]),
  );
});

describe.each(EXAMPLES)('$title', ({ blocks, rows }) => {
  it('gives each who asks what its table says', async () => {
    for (const [kind, path] of [
      ['policy', `/v1/projects/${project.number}/targets/orders`],
      ['project policy', `/v1/projects/${project.number}`],
    ]) {
      const block = blocks.find((one) => one.kind === kind);
      const policy: unknown = block === undefined ? { bindings: [] } : JSON.parse(filled(block.text));
      const answer = await must('POST', `${path}:setIamPolicy`, { policy });
      // An example that we warn about would teach the wrong thing.
      expect(answer['warnings']).toBeUndefined();
    }
    const denies = `/v2/policies/cloudresourcemanager.googleapis.com%2Fprojects%2F${project.number}/denypolicies`;
    const deny = blocks.find((one) => one.kind === 'deny policy');
    if (deny !== undefined) await must('POST', `${denies}?policyId=freeze`, JSON.parse(filled(deny.text)));
    const outcomes = [];
    for (const row of rows) outcomes.push({ ...row, ...(await outcome(row)) });
    if (deny !== undefined) await must('DELETE', `${denies}/freeze`);
    expect(outcomes).toEqual(rows);
    expect(rows.length).toBeGreaterThan(1);
  });
});

/** `request.workload`: what a binding may ask of who asks, checked when it is written, and no grant where the token does not say it. */
import { describe, expect, test } from 'vitest';
import { evaluateCondition } from '../../../src/core/policy/condition.ts';
import { longestRunSeconds, newRunBudget } from '../../../src/core/policy/run.ts';
import { bindingActivations, type WorkloadVariables } from '../../../src/core/policy/variables.ts';
import type { Result } from '../../../src/core/result.ts';
import { compiled, fault, NOON, RESOURCE } from './support.ts';

const PROVIDER = 'projects/1/locations/global/workloadIdentityPools/acme.svc.id.goog/providers/prod';

const POD: WorkloadVariables = {
  namespace: 'shop',
  serviceaccount: { name: 'orders', uid: 'sa-uid' },
  pod: { name: 'orders-7d9f', uid: 'pod-uid' },
  node: { name: 'gpu-pool-3', uid: 'node-uid' },
  cluster: 'https://clusters.example/prod',
  provider: PROVIDER,
  subject: 'ns/shop/sa/orders',
  groups: [],
  attribute: {},
  claims: { iat: NOON - 10, 'kubernetes.io': { namespace: 'shop' }, nothing: null, list: ['a', 'b'] },
};

const JOB: WorkloadVariables = {
  provider: 'projects/1/locations/global/workloadIdentityPools/ci/providers/github',
  subject: 'repo:acme/shop:ref:refs/heads/main',
  groups: ['builders', 'deployers'],
  attribute: { repository: 'acme/shop', constructor: 'x' },
  claims: { ref: 'refs/heads/main', run_attempt: 1 },
};

function asked(source: string, workload: WorkloadVariables | undefined): Result<boolean, string> {
  const variables = { requestTimeSeconds: NOON, resource: RESOURCE, ...(workload ? { workload } : {}) };
  return evaluateCondition(compiled(source, 'binding'), variables);
}

describe('a pod', () => {
  test.each([
    [`request.workload.namespace == 'shop'`, true],
    [`request.workload.namespace in ['till', 'stock']`, false],
    [`request.workload.serviceaccount.name == 'orders' && request.workload.serviceaccount.uid == 'sa-uid'`, true],
    [`request.workload.pod.uid == 'pod-uid' && request.workload.pod.name.startsWith('orders-')`, true],
    [`request.workload.pod.uid == 'other'`, false],
    [`request.workload.node.name.startsWith('gpu-pool-') && request.workload.node.uid == 'node-uid'`, true],
    [`request.workload.node.name.startsWith('cpu-pool-')`, false],
    [`request.workload.cluster == 'https://clusters.example/prod'`, true],
    [`request.workload.provider == '${PROVIDER}' && request.workload.subject == 'ns/shop/sa/orders'`, true],
    [`request.workload.groups == [] && size(request.workload.attribute) == 0`, true],
    [`has(request.workload.pod) && has(request.workload.node.uid) && has(request.workload.claims)`, true],
    [`request.workload.claims['kubernetes.io'].namespace == 'shop' && request.workload.claims.list[1] == 'b'`, true],
    [`has(request.workload.claims.nothing) && request.workload.claims.nothing == null`, true],
    [`has(request.workload.claims.iat) && !has(request.workload.claims.exp)`, true],
    [`request.time - timestamp(int(request.workload.claims.iat)) < duration('1m')`, true],
  ])('%s is %s', (source, expected) => {
    expect(asked(source, POD)).toEqual({ ok: true, value: expected });
  });
});

describe('a job of an OIDC issuer', () => {
  test.each([
    [`request.workload.subject == 'repo:acme/shop:ref:refs/heads/main'`, true],
    [`'deployers' in request.workload.groups`, true],
    [`request.workload.groups.hasOnly(['builders'])`, false],
    [`request.workload.attribute.repository == 'acme/shop'`, true],
    [`request.workload.attribute['repository'].extract('{owner}/') == 'acme'`, true],
    [`'repository' in request.workload.attribute && !('toString' in request.workload.attribute)`, true],
    [`has(request.workload.attribute.environment)`, false],
    [`request.workload.claims.ref == 'refs/heads/main' && request.workload.claims.run_attempt == 1`, true],
    [`has(request.workload.pod) || has(request.workload.namespace) || has(request.workload.cluster)`, false],
    [`has(request.workload.claims.constructor) || has(request.workload.claims.__proto__)`, false],
  ])('%s is %s', (source, expected) => {
    expect(asked(source, JOB)).toEqual({ ok: true, value: expected });
  });
});

describe('what the token does not say is an error, so no grant', () => {
  const absent = { ok: false, error: expect.stringContaining('an attribute or key is absent') };
  const nodeless: WorkloadVariables = { ...POD, node: { name: 'n' } };

  test.each<[string, WorkloadVariables]>([
    [`request.workload.namespace != 'kube-system'`, JOB],
    [`!(request.workload.cluster == 'https://clusters.example/prod')`, JOB],
    [`request.workload.pod.uid != 'pod-uid'`, JOB],
    [`has(request.workload.pod.uid)`, JOB],
    [`request.workload.serviceaccount.name != 'x'`, JOB],
    [`request.workload.node.uid != 'x'`, nodeless],
    [`request.workload.attribute.environment != 'prod'`, JOB],
    [`request.workload.claims.environment != 'prod'`, JOB],
  ])('%s', (source, workload) => {
    expect(asked(source, workload)).toEqual(absent);
  });

  test.each([
    `request.workload.namespace != 'x'`,
    `request.workload.pod.name != 'x'`,
    `request.workload.node.name != 'x'`,
    `request.workload.serviceaccount.uid != 'x'`,
    `request.workload.cluster != 'x'`,
    `request.workload.provider != 'x'`,
    `request.workload.subject != 'x'`,
    `!('x' in request.workload.groups)`,
    `!('x' in request.workload.attribute)`,
    `!('x' in request.workload.claims)`,
    `!has(request.workload.pod)`,
  ])('nothing at all: %s', (source) => {
    expect(asked(source, undefined)).toEqual(absent);
  });
});

describe('a binding condition is refused when it is written', () => {
  test.each([
    [`request.workload.namspace == 'shop'`, `unknown attribute 'namspace'`, 17],
    [`true && request.worklod.namespace == 'shop'`, `unknown attribute 'worklod'`, 16],
    [`request.workload.pod.id == 'x'`, `unknown attribute 'id'`, 21],
    [`has(request.workload.pods)`, `unknown attribute 'pods'`, 1],
    [`request.workload.serviceaccount == 'x'`, 'this is no value; name one of its attributes', 17],
    [`request.workload == null`, 'this is no value; name one of its attributes', 8],
    [`request.workload['namespace'] == 'x'`, 'this is no value; name one of its attributes', 8],
    [`request.workload.namespace == 1`, 'string and int are never equal', 28],
    [`request.workload.namespace.startsWith(1)`, 'there is no string.startsWith(int)', 27],
    [`request.workload.groups == 'x'`, 'list and string are never equal', 25],
    [`request.workload.attribute.env == 1`, 'string and int are never equal', 32],
    [`request.workload.attribute['env'] > 1`, 'there is no >(string, int)', 35],
    [`request.workload.attribute == 'x'`, 'map and string are never equal', 28],
    [`workload.namespace == 'x'`, `unknown variable 'workload'`, 1],
  ])('%s', (source, message, column) => {
    expect(fault(source, 'binding')).toEqual({ message, line: 1, column });
  });

  test('a provider knows no workload yet', () => {
    expect(fault(`request.workload.namespace == 'x'`, 'attribute').message).toBe(`unknown variable 'request'`);
  });
});

test.each([
  [`request.workload.claims.ref == 'x'`, true],
  [`has(request.workload.claims)`, true],
  [`request.workload.attribute.claims == 'x'`, false],
  [`request.workload.subject == 'claims'`, false],
  [`[{'workload': {'claims': 1}}].exists(request, request.workload.claims == 1)`, false],
])('%s asks for claims: %s', (source, expected) => {
  expect(compiled(source, 'binding').usesWorkloadClaims).toBe(expected);
});

test('claims become values for those conditions only that ask for them, and once', () => {
  let reads = 0;
  const claims = {
    get ref(): string {
      reads += 1;
      return 'refs/heads/main';
    },
  };
  const workload: WorkloadVariables = { ...JOB, claims };
  const run = (...sources: string[]): number => {
    const conditions = sources.map((source) => compiled(source, 'binding'));
    return longestRunSeconds(
      { allow: conditions, deny: [] },
      bindingActivations(RESOURCE, workload),
      NOON,
      600,
      newRunBudget(),
    );
  };
  expect(run(`request.workload.subject == '${JOB.subject}' && request.time.getSeconds() >= 0`)).toBe(600);
  expect(reads).toBe(0);
  const dependsOnSeconds = `request.workload.claims.ref == 'refs/heads/main' && request.time.getSeconds() >= 0`;
  expect(run(`request.workload.claims.ref == 'x'`, dependsOnSeconds)).toBe(600);
  expect(run(dependsOnSeconds)).toBe(600);
  expect(reads).toBe(1);
});

test('claims that are nested too deeply fail the conditions that ask for them, and those only', () => {
  const deep: Readonly<Record<string, unknown>> = JSON.parse(`{"x":${'['.repeat(5000)}${']'.repeat(5000)}}`);
  const workload = { ...JOB, claims: deep };
  expect(asked(`has(request.workload.claims.x)`, workload)).toEqual({
    ok: false,
    error: expect.stringContaining('the claims are nested too deeply'),
  });
  expect(asked(`'builders' in request.workload.groups`, workload)).toEqual({ ok: true, value: true });
});

describe('nothing of a workload changes with time', () => {
  test.each([
    [`request.workload.node.name.startsWith('gpu-')`, undefined],
    [`request.workload.claims.list.exists(x, x == request.workload.namespace) || has(request.workload.pod)`, undefined],
    [`request.workload.namespace == 'shop' && request.time.getHours('Europe/Berlin') < 18`, 60],
    [`request.time < timestamp(int(request.workload.claims.iat)) + duration('1h')`, 1],
  ])('%s steps by %s', (source, stepSeconds) => {
    expect(compiled(source, 'binding').program.timeDependence).toEqual({ instants: [], stepSeconds });
  });

  test('a run ends where a claim says so', () => {
    const until = compiled(`request.time < timestamp(int(request.workload.claims.iat)) + duration('1m')`, 'binding');
    const run = (workload?: WorkloadVariables): number =>
      longestRunSeconds(
        { allow: [until], deny: [] },
        bindingActivations(RESOURCE, workload),
        NOON,
        600,
        newRunBudget(),
      );
    expect(run(POD)).toBe(50);
    expect(run(JOB)).toBe(0);
    expect(run()).toBe(0);
  });
});

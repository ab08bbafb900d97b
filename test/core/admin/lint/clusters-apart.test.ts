/** A second cluster in a pool: silence where every binding tells clusters apart, else the bindings that do not. */
import { describe, expect, it } from 'vitest';
import { bindingsOfPool } from '../../../../src/core/admin/lint/clusters-apart.ts';
import type { Binding } from '../../../../src/core/resources.ts';
import { CLUSTER, contextAt, PROJECT } from '../../../support/admin-samples.ts';
import { MemoryConfig } from '../../../support/memory-config.ts';
import { BUILT_IN, CI, furnished, ON_PROJECT, ON_TARGET, READER, SOMEBODY, warningsOf } from './support.ts';

const CLUSTER_ONE = `principalSet:${BUILT_IN}/kubernetes.cluster/https://clusters.example.com/one`;
const UID = `principal:${BUILT_IN}/kubernetes.serviceaccount.uid/uid-1`;
const LEGACY = 'serviceAccount:demo.svc.id.goog[shop/checkout]';

const binding = (...members: readonly string[]): Binding => ({ role: READER, members });
const SECOND = {
  type: 'provider.create',
  poolId: 'demo.svc.id.goog',
  providerId: 'cluster-two',
  input: { kubernetes: { ...CLUSTER.kubernetes, clusterUri: 'https://clusters.example.com/two' } },
} as const;

function joining(onProject: readonly Binding[], onTarget: readonly Binding[] = []): readonly string[] {
  const project = furnished();
  warningsOf(project, onProject, ON_PROJECT);
  warningsOf(project, onTarget, ON_TARGET);
  const { answer } = project.do(SECOND);
  if (answer.kind !== 'provider') throw new Error(answer.kind);
  return answer.warnings;
}

describe('a second cluster joins', () => {
  it('without any binding: the general warning', () => {
    expect(joining([], [binding(`principal:${CI}/subject/a`)])).toEqual([
      expect.stringMatching(
        /^The pool demo\.svc\.id\.goog now holds more than one cluster \(cluster-two beside cluster-one\)/,
      ),
    ]);
    expect(joining([])[0]).not.toContain('These bindings');
  });

  it('and all bindings tell clusters apart: nothing is said', () => {
    expect(joining([binding(CLUSTER_ONE, UID)], [binding(UID)])).toEqual([]);
    expect(joining([binding(CLUSTER_ONE), binding(`principal:${CI}/subject/a`, 'user:a@example.com')])).toEqual([]);
  });

  it.each([SOMEBODY, LEGACY, `principalSet:${BUILT_IN}/namespace/shop`, `principalSet:${BUILT_IN}/*`])(
    'and %s lets in either',
    (member) => {
      expect(joining([binding(CLUSTER_ONE)], [binding(UID, member)])).toEqual([
        expect.stringContaining(
          `These bindings let in either of them: projects/100000000001/targets/orders bindings[0] (${READER}).`,
        ),
      ]);
    },
  );

  it('and five bindings of many are named', () => {
    const many = Array.from({ length: 8 }, (_, index) => ({
      ...binding(SOMEBODY),
      condition: { expression: `request.time > timestamp(${index})` },
    }));
    const [warning = ''] = joining(many);
    expect(warning).toContain('projects/100000000001 bindings[4]');
    expect(warning).not.toContain('bindings[5]');
    expect(warning).toContain(', 3 more.');
  });
});

describe('a condition tells clusters apart', () => {
  it.each([
    ['request.workload.cluster == "https://clusters.example.com/one"', 0],
    ['request.workload["provider"] == "cluster-one" && resource.name == "a"', 0],
    ['request.workload.cluster in ["a"] || request.workload.provider == "b"', 0],
    ['["a", "b"].exists(name, request.workload.provider == name)', 0],
    ['request.workload.provider.matches("^cluster-(one)$")', 1],
    ['request.workload.provider.matches("^cluster-one$")', 0],
    ['has(request.workload.cluster)', 1],
    ['request.workload.cluster.startsWith("https://clusters.example.com/")', 1],
    ['request.workload.cluster.endsWith("/one")', 1],
    ['request.workload.provider.contains("cluster")', 1],
    ['size(request.workload.cluster) == 32', 1],
    ['(request.workload.provider == "a") == false', 1],
    ['(request.workload.provider == "a") in [true, false]', 1],
    ['["a", "b"].all(name, request.workload.provider != name)', 1],
    ['request.workload.provider in ["a", request.workload.provider]', 1],
    ['[request.workload.provider == "a", true][1]', 1],
    ['dyn(request.workload.provider != "a")', 1],
    ['request.workload.cluster == "a" || resource.name == "b"', 1],
    ['request.workload.namespace == "cluster"', 1],
    ['resource.name == "request.workload.cluster"', 1],
  ])('%s', (expression, mixing) => {
    const state = new MemoryConfig(PROJECT, contextAt(1));
    const bindings = [{ ...binding(SOMEBODY), condition: { expression } }];
    state.commit([{ put: 'policy', resource: ON_PROJECT, policy: { version: 3, revision: 2, bindings } }]);
    const found = bindingsOfPool(state, 'demo.svc.id.goog');
    expect(found).toMatchObject({ total: 1, complete: true });
    expect(found.mixing).toHaveLength(mixing);
  });
});

describe('where there is much', () => {
  const many = (count: number): Binding => binding(...Array.from({ length: count }, (_, index) => `${UID}${index}`));

  function found(onProject: readonly Binding[], onTarget: readonly Binding[]) {
    const { state } = furnished();
    const policy = { version: 1, revision: 2 } as const;
    state.commit([
      { put: 'policy', resource: ON_PROJECT, policy: { ...policy, bindings: onProject } },
      { put: 'policy', resource: ON_TARGET, policy: { ...policy, bindings: onTarget } },
    ]);
    return bindingsOfPool(state, 'demo.svc.id.goog');
  }

  it('it is read in part, and nothing is called safe', () => {
    expect(found([many(20_000)], [binding(SOMEBODY)])).toEqual({ total: 1, mixing: [], complete: false });
    expect(found([many(19_999)], [binding(UID), binding(SOMEBODY)])).toEqual({ total: 2, mixing: [], complete: false });
    expect(found([many(19_998)], [binding(UID)])).toEqual({ total: 2, mixing: [], complete: true });
  });

  it('a thousand targets are read', () => {
    const { state } = furnished();
    const target = state.target('orders');
    if (target === undefined) throw new Error('no target');
    for (let index = 0; index < 1_000; index += 1) {
      state.commit([{ put: 'target', target: { ...target, targetId: `api-${String(index).padStart(4, '0')}` } }]);
    }
    expect(bindingsOfPool(state, 'demo.svc.id.goog').complete).toBe(false);
  });
});

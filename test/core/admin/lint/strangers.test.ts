/** Shared issuers, from the stranger's side: no condition that is taken may be true for a tenant whose names and numbers it does not hold. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { sharedIssuerOf, tenantProblem } from '../../../../src/core/admin/lint/shared-issuers.ts';
import { compileCondition, evaluateCondition } from '../../../../src/core/policy/condition.ts';
import { conditions, MAPPING } from './tenant-conditions.ts';

interface Tenant {
  readonly owner: string;
  readonly ownerId: string;
  readonly name: string;
  readonly ref: string;
}

const REFS = ['refs/heads/main', 'refs/heads/release', 'refs/heads/1', 'refs/heads/acme'];
const OWN: Tenant = { owner: 'acme', ownerId: '1', name: 'app', ref: 'refs/heads/main' };

/** Near misses on purpose: names that begin or end like ours, our names in the places that a stranger fills himself. */
const STRANGERS: readonly Tenant[] = ['evil', 'acme-evil', 'evil-acme', 'acmes', 'acm', 'x'].flatMap((owner, index) =>
  REFS.map((ref, at) => ({
    owner,
    ownerId: ['666', '13', '21', '10', '31', '7'][index] ?? '9',
    name: ['app', 'acme', 'repo', '1'][(index + at) % 4] ?? 'app',
    ref,
  })),
);

function variablesOf({ owner, ownerId, name, ref }: Tenant) {
  const repository = `${owner}/${name}`;
  const sub = `repo:${repository}:ref:${ref}`;
  return {
    assertion: {
      sub,
      repository,
      repository_owner: owner,
      repository_owner_id: ownerId,
      ref,
      job_workflow_ref: `${repository}/.github/workflows/a.yml@${ref}`,
    },
    google: { subject: sub },
    attribute: { owner, tail: name, same: 'acme', known: 'yes', branch: ref },
  };
}

const issuer = sharedIssuerOf('https://token.actions.githubusercontent.com');

it('no taken condition is true for any stranger, and some are for us', () => {
  let taken = 0;
  let open = 0;
  fc.assert(
    fc.property(conditions, (source) => {
      const compiled = compileCondition(source, 'attribute');
      if (!compiled.ok || issuer === undefined || tenantProblem(issuer, source, MAPPING) !== undefined) return;
      taken += 1;
      const isTrueFor = (tenant: Tenant): boolean => {
        const result = evaluateCondition(compiled.value, variablesOf(tenant));
        return result.ok && result.value;
      };
      if (isTrueFor(OWN)) open += 1;
      expect(STRANGERS.find(isTrueFor), source).toBeUndefined();
    }),
    { numRuns: 5_000 },
  );
  // A check that takes nothing would hold as well.
  expect(taken).toBeGreaterThan(50);
  expect(open).toBeGreaterThan(10);
});

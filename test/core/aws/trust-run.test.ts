/** Until when a trust policy goes on allowing, against an oracle that asks it at every single second. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { parseTrustPolicy } from '../../../src/core/aws/trust-policy/document.ts';
import { evaluateTrust } from '../../../src/core/aws/trust-policy/evaluate.ts';
import { trustRun } from '../../../src/core/aws/trust-policy/run.ts';
import { FEDERATED, NOW, policyOf, PREFIX, statement } from './trust-support.ts';

const SECONDS = 60;

const comparison = fc.constantFrom(
  'Equals',
  'NotEquals',
  'LessThan',
  'LessThanEquals',
  'GreaterThan',
  'GreaterThanEquals',
);
const condition = fc
  .record({
    comparison,
    kind: fc.constantFrom('Date', 'Numeric'),
    at: fc.integer({ min: -5, max: SECONDS + 5 }),
    half: fc.boolean(),
  })
  .map(({ comparison: name, kind, at, half }) =>
    kind === 'Date'
      ? { [`Date${name}`]: { 'aws:CurrentTime': new Date((NOW + at) * 1_000 + (half ? 500 : 0)).toISOString() } }
      : { [`Numeric${name}`]: { 'aws:EpochTime': `${NOW + at}${half ? '.5' : ''}` } },
  );
const policies = fc
  .array(fc.record({ Effect: fc.constantFrom('Allow', 'Deny'), Condition: condition }), { minLength: 1, maxLength: 4 })
  .map((all) => policyOf(...all.map(({ Effect, Condition }) => statement(Condition, { Effect }))));

it('is the first second at which it would refuse', () => {
  fc.assert(
    fc.property(policies, (document) => {
      const policy = parseTrustPolicy(JSON.stringify(document));
      if (!policy.ok) throw new Error(policy.error);
      const isAllowedAt = (second: number): boolean => {
        const keys = new Map([
          ['aws:currenttime', [new Date(second * 1_000).toISOString()]],
          ['aws:epochtime', [String(second)]],
        ]);
        return evaluateTrust(policy.value, { federated: FEDERATED, actions: ['sts:AssumeRoleWithWebIdentity'], keys })
          .allowed;
      };
      fc.pre(isAllowedAt(NOW));
      let oracle = 0;
      while (oracle < SECONDS && isAllowedAt(NOW + oracle)) oracle += 1;
      expect(trustRun(policy.value, isAllowedAt, NOW, SECONDS)).toBe(oracle);
    }),
    { numRuns: 2_000 },
  );
});

it('time is asked for with operators of time only: of a text nobody could say until when it holds', () => {
  for (const [operator, value] of [
    ['StringLike', '2026*'],
    ['StringEquals', 'x'],
    ['Null', 'true'],
    ['Bool', 'true'],
  ]) {
    const policy = parseTrustPolicy(
      JSON.stringify(policyOf(statement({ [operator ?? '']: { 'aws:CurrentTime': value } }))),
    );
    expect(policy.ok ? 'taken' : policy.error).toMatch(/Date and Numeric operators only/);
  }
  expect(parseTrustPolicy(JSON.stringify(policyOf(statement({ StringLike: { [`${PREFIX}:sub`]: '2026*' } })))).ok).toBe(
    true,
  );
});

/** Own limits as values: what may be named, how it must be spelled, and what is said where it is not. */
import { describe, expect, it } from 'vitest';
import type { Command } from '../../../src/core/admin/commands.ts';
import type { Project } from '../../../src/core/resources.ts';
import { PROJECT } from '../../support/admin-samples.ts';
import { Administered, fieldsOf } from '../../support/administer.ts';

const setLimit = (tokenExchangesPerMinute: number): Command => ({
  type: 'project.patch',
  input: { tokenExchangesPerMinute },
  mask: ['tokenExchangesPerMinute'],
});

describe('own limits', () => {
  const POOL = 'projects/100000000001/locations/global/workloadIdentityPools/demo.svc.id.goog';
  const SUBJECT = `principal://iam.googleapis.com/${POOL}/subject/ns/default/sa/robot`;
  const patch = (ownLimits: Project['ownLimits'], mask = ['ownLimits']): Command => ({
    type: 'project.patch',
    input: ownLimits === undefined ? {} : { ownLimits },
    mask,
  });
  const limit = (principal: string, tokenExchangesPerMinute = 1) => ({ principal, tokenExchangesPerMinute });

  it('are kept as they are written, and leave nothing behind when they go', () => {
    const project = new Administered();
    const ownLimits = [limit(SUBJECT, 0), limit(`${SUBJECT}2`, 600_000)];
    expect(project.do(patch(ownLimits)).shards).toEqual(['project:100000000001']);
    expect(project.state.project()).toEqual({ ...PROJECT, ownLimits });
    project.do(setLimit(7));
    expect(project.state.project().ownLimits).toEqual(ownLimits);
    project.do(patch([]));
    expect(project.state.project()).toEqual({ ...PROJECT, tokenExchangesPerMinute: 7 });
  });

  it.each<[string, NonNullable<Project['ownLimits']>[number], string]>([
    ['nobody', { tokenExchangesPerMinute: 1 }, ''],
    ['both at once', { provider: `${POOL}/providers/cluster`, ...limit(SUBJECT) }, ''],
    [
      'a provider that is not there',
      { provider: `${POOL}/providers/cluster`, tokenExchangesPerMinute: 1 },
      '.provider',
    ],
    ['a provider’s id alone', { provider: 'cluster', tokenExchangesPerMinute: 1 }, '.provider'],
    ['a set', limit(`principalSet://iam.googleapis.com/${POOL}/*`), '.principal'],
    ['a uid', limit(`principal://iam.googleapis.com/${POOL}/kubernetes.serviceaccount.uid/1`), '.principal'],
    ['a user', limit('user:ada@example.com'), '.principal'],
    ['another project', limit(SUBJECT.replace('100000000001', '100000000002')), '.principal'],
    ['a pool that is not there', limit(SUBJECT.replace('demo.svc.id.goog', 'none')), '.principal'],
    ['too many', limit(SUBJECT, 600_001), '.tokenExchangesPerMinute'],
    ['half of one', limit(SUBJECT, 0.5), '.tokenExchangesPerMinute'],
  ])('refuse %s', (_name, entry, field) => {
    expect(fieldsOf(new Administered().refuse(patch([entry])))).toEqual([`ownLimits[0]${field}`]);
  });

  it('say what would be taken instead', () => {
    const said = (entry: object): string | undefined => {
      const denial = new Administered().refuse(patch([{ tokenExchangesPerMinute: 1, ...entry }]));
      return denial.tag === 'invalid_argument' ? denial.violations[0]?.description : undefined;
    };
    const exactlyOne = 'must name exactly one: a provider or a principal';
    expect(said({})).toBe(exactlyOne);
    expect(said({ provider: `${POOL}/providers/cluster`, principal: SUBJECT })).toBe(exactlyOne);
    expect(said({ provider: `${POOL}/providers/cluster`.replace('100000000001', 'demo') })).toMatch(
      /number, not its id/,
    );
    expect(said({ principal: 'system:serviceaccount:default:robot' })).toMatch(/^must be a single subject, principal:/);
  });

  it('refuse the same one twice, and more than a thousand', () => {
    const project = new Administered();
    expect(fieldsOf(project.refuse(patch([limit(SUBJECT), limit(SUBJECT, 2)])))).toEqual(['ownLimits[1]']);
    const many = (count: number) => Array.from({ length: count }, (_, index) => limit(`${SUBJECT}-${index}`));
    expect(fieldsOf(project.refuse(patch(many(1_001))))).toEqual(['ownLimits']);
    project.do(patch(many(1_000)));
  });
});

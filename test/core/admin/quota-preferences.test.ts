/** Wishes for quota: asked, changed, reviewed and withdrawn, and what each step may not do. */
import { by } from '../../support/callers.ts';
import { describe, expect, it } from 'vitest';
import type { Command, QuotaVerdict, QuotaWish } from '../../../src/core/admin/commands.ts';
import { etagOf } from '../../../src/core/admin/etag.ts';
import { needOf } from '../../../src/core/admin/authority/needs.ts';
import { predefinedRole } from '../../../src/core/roles.ts';
import { PROJECT } from '../../support/admin-samples.ts';
import { Administered, fieldsOf } from '../../support/administer.ts';
import {
  QUOTA_ID,
  CREDENTIALS,
  NOON,
  EVENING,
  wish,
  ask,
  approve,
  refuse,
  change,
  withdraw,
  END,
  preferenceOf,
  stateOf,
  limitOf,
} from './quota-preferences-support.ts';

describe('asking', () => {
  it('changes no limit, and is written down with who asked and why', () => {
    const project = new Administered();
    const applied = project.do(ask('more', wish('12000', { contactEmail: 'ada@example.com' })), { caller: by('ada') });
    expect(applied.shards).toEqual([]);
    expect(project.state.project()).toEqual(PROJECT);
    expect(preferenceOf(project, 'more')).toEqual({
      preferenceId: 'more',
      quotaId: QUOTA_ID,
      preferredValue: 12_000,
      annotations: {},
      justification: 'a rollout of all clusters at once',
      contactEmail: 'ada@example.com',
      state: 'PENDING',
      createTime: '2026-01-01T00:00:02.000Z',
      updateTime: '2026-01-01T00:00:02.000Z',
      version: 2,
      events: [{ time: '2026-01-01T00:00:02.000Z', actor: 'ada', state: 'PENDING', value: 12_000, comment: '' }],
    });
  });

  it('without a name makes one up', () => {
    const { answer } = new Administered().do(ask('', wish(1)));
    expect(answer).toMatchObject({ kind: 'quotaPreference', preference: { preferenceId: 'uid-2-1' } });
  });

  it.each<[string, QuotaWish, string]>([
    ['no quota', wish('1', { quotaId: '' }), 'quotaId'],
    ['a quota that nobody has', wish('1', { quotaId: 'Cpus' }), 'quotaId'],
    ['another service', wish('1', { service: 'compute.googleapis.com' }), 'service'],
    ['no value', { ...wish('1'), quotaConfig: {} }, 'quotaConfig.preferredValue'],
    ['an empty value', wish(''), 'quotaConfig.preferredValue'],
    ['a word', wish('many'), 'quotaConfig.preferredValue'],
    ['a fraction', wish(0.5), 'quotaConfig.preferredValue'],
    ['an exponent', wish('1e3'), 'quotaConfig.preferredValue'],
    ['without end', wish('-1'), 'quotaConfig.preferredValue'],
    ['more than any project gets', wish('600001'), 'quotaConfig.preferredValue'],
    ['no reason', wish('1', { justification: ' ' }), 'justification'],
    ['a long reason', wish('1', { justification: 'x'.repeat(1_001) }), 'justification'],
    ['an escape sequence', wish('1', { justification: 'a\u001b[2Jb' }), 'justification'],
    ['no address', wish('1', { contactEmail: 'ada' }), 'contactEmail'],
    ['one region', wish('1', { dimensions: { region: 'eu' } }), 'dimensions'],
    ['no time', wish('7000', { expireTime: 'tomorrow' }), 'expireTime'],
    ['an empty time', wish('7000', { expireTime: '' }), 'expireTime'],
    ['a time that is over', wish('7000', { expireTime: '2026-01-01T00:00:02.000Z' }), 'expireTime'],
    ['a time far away', wish('7000', { expireTime: '2028-01-01T00:00:00Z' }), 'expireTime'],
    ['a raise that is none', wish('6000', { expireTime: NOON }), 'quotaConfig.preferredValue'],
    [
      'a long annotation',
      { ...wish(1), quotaConfig: { preferredValue: 1, annotations: { a: 'x'.repeat(257) } } },
      'quotaConfig.annotations.a',
    ],
  ])('refuses %s', (_name, input, field) => {
    expect(fieldsOf(new Administered().refuse(ask('more', input)))).toEqual([field]);
  });

  it.each(['a:b', 'ü', '-a', '.', 'x'.repeat(64)])('refuses the name %s', (name) => {
    expect(fieldsOf(new Administered().refuse(ask(name, wish(1))))).toEqual(['quotaPreferenceId']);
  });

  it('twice for one quota is refused while the first waits; for another quota it is not', () => {
    const project = new Administered();
    project.do(ask('first', wish('7000')));
    expect(project.refuse(ask('first', wish('8000')))).toMatchObject({
      tag: 'already_exists',
      resource: expect.stringMatching(/first, which is PENDING: change it by PATCH/),
    });
    expect(project.refuse(ask('second', wish('8000')))).toMatchObject({
      tag: 'already_exists',
      resource: expect.stringContaining('quotaPreferences/first'),
    });
    project.do(ask('other', wish('70000', { quotaId: CREDENTIALS })));
    project.do(refuse('first', { comment: 'no' }));
    expect(project.refuse(ask('first', wish('8000')))).toMatchObject({
      tag: 'already_exists',
      resource: expect.stringMatching(/first, which is REFUSED: .*another quotaPreferenceId$/),
    });
    project.do(ask('second', wish('8000')));
  });

  it('leaves at most a hundred behind: the one that is over for longest goes, what waits or is in effect stays', () => {
    const project = new Administered();
    project.do(ask('kept', wish('7000')));
    project.do(approve('kept'));
    for (let index = 0; index < 120; index++) {
      project.do(ask(`w-${index}`, wish('8000')));
      project.do(withdraw(`w-${index}`));
    }
    project.do(ask('waits', wish('9000')));
    expect(project.state.quotaPreferenceCount()).toBe(100);
    expect(stateOf(project, 'kept')).toBe('GRANTED');
    expect(project.state.quotaPreference('w-21')).toBeUndefined();
    expect(stateOf(project, 'w-22')).toBe('WITHDRAWN');
  });
});

describe('a wish whose own end passes while it waits', () => {
  const waiting = (): Administered => {
    const project = new Administered();
    project.do(ask('burst', wish('12000', { expireTime: NOON })));
    return project;
  };

  it('ends by itself, changes no limit, and says so', () => {
    const project = waiting();
    expect(project.do(END, { time: '2026-01-01T11:59:59.999Z' }).writes).toEqual([]);
    expect(project.do(END, { time: NOON }).shards).toEqual([]);
    expect(project.state.project()).toEqual(PROJECT);
    expect(preferenceOf(project, 'burst').events.at(-1)).toEqual({
      time: NOON,
      actor: 'edge-sts',
      state: 'EXPIRED',
      value: 12_000,
      comment: 'Its own end passed before anybody decided.',
    });
    expect(project.do(END, { time: EVENING }).writes).toEqual([]);
  });

  it('is over also where the alarm is late: it keeps no other waiting, and can neither be decided nor changed', () => {
    const late = { time: EVENING };
    for (const command of [
      approve('burst', { expireTime: '2026-01-02T00:00:00Z' }),
      refuse('burst', { comment: 'no' }),
      change('burst', wish('600000'), ['quotaConfig.preferredValue']),
      withdraw('burst'),
    ]) {
      const denial = waiting().refuse(command, late);
      expect(denial).toMatchObject({
        tag: 'failed_precondition',
        description: expect.stringContaining('burst is EXPIRED'),
      });
    }
    const project = waiting();
    project.do(ask('next', wish('9000')), late);
    expect([stateOf(project, 'burst'), stateOf(project, 'next')]).toEqual(['EXPIRED', 'PENDING']);
  });
});

describe('changing a wish', () => {
  it('replaces what the mask names, while it is pending', () => {
    const project = new Administered();
    project.do(ask('more', wish('12000', { expireTime: NOON, contactEmail: 'ada@example.com' })));
    project.do(
      change('more', { quotaConfig: { preferredValue: 9_000 } }, ['quotaConfig.preferredValue', 'expireTime']),
    );
    const { expireTime, ...changed } = preferenceOf(project, 'more');
    expect(expireTime).toBeUndefined();
    expect(changed).toMatchObject({ preferredValue: 9_000, contactEmail: 'ada@example.com', state: 'PENDING' });
    expect(changed.events.map(({ value }) => value)).toEqual([12_000, 9_000]);
  });

  it.each<[QuotaWish, string, string]>([
    [{ quotaId: CREDENTIALS }, 'quotaId', 'quotaId'],
    [{ service: 'iam' }, 'service', 'service'],
    [{}, 'justification', 'justification'],
    [{}, 'quotaConfig', 'quotaConfig.preferredValue'],
    [{ expireTime: '' }, 'expireTime', 'expireTime'],
    [{}, 'state', 'updateMask'],
    [{}, 'grantedValue', 'updateMask'],
  ])('to %j by the path %s is refused', (input, path, field) => {
    const project = new Administered();
    project.do(ask('more', wish('12000')));
    expect(fieldsOf(project.refuse(change('more', input, [path])))).toEqual([field]);
  });

  it('as a whole needs neither quota nor service again, and says what it does need', () => {
    const project = new Administered();
    project.do(ask('more', wish('12000', { contactEmail: 'ada@example.com' })));
    const quotaConfig = { preferredValue: 9_000 };
    expect(fieldsOf(project.refuse(change('more', { quotaConfig }, ['*'])))).toEqual(['justification']);
    project.do(change('more', { quotaConfig, justification: 'less' }, ['*']));
    expect(preferenceOf(project, 'more')).toMatchObject({ preferredValue: 9_000, contactEmail: '', quotaId: QUOTA_ID });
    const other = { ...wish(9_000), quotaId: CREDENTIALS };
    expect(fieldsOf(project.refuse(change('more', other, ['*'])))).toEqual(['quotaId']);
  });

  it('with an etag that is not the newest is refused, and so is every other step', () => {
    const project = new Administered();
    project.do(ask('more', wish('12000')));
    const seen = etagOf(preferenceOf(project, 'more').version);
    project.do(change('more', wish('600000'), ['quotaConfig.preferredValue'], seen));
    for (const command of [
      change('more', wish('1'), ['quotaConfig.preferredValue'], seen),
      withdraw('more', seen),
      approve('more', { etag: seen }),
      refuse('more', { comment: 'no', etag: seen }),
    ]) {
      expect(project.refuse(command)).toMatchObject({ tag: 'etag_mismatch' });
    }
    expect(fieldsOf(project.refuse(approve('more', { etag: 'invented' })))).toEqual(['etag']);
    expect(stateOf(project, 'more')).toBe('PENDING');
  });

  it('that does not exist asks anew where the caller says so', () => {
    const project = new Administered();
    expect(project.refuse(change('more', wish('7000'), ['quotaConfig']))).toMatchObject({ tag: 'not_found' });
    project.do({ ...change('more', wish('7000'), ['quotaConfig']), allowMissing: true } as Command);
    expect(stateOf(project, 'more')).toBe('PENDING');
  });
});

describe('reviewing', () => {
  it.each<[string, QuotaVerdict, string, number]>([
    ['as asked', {}, 'GRANTED', 12_000],
    ['less', { grantedValue: '8000', comment: 'to begin with' }, 'GRANTED_PARTIALLY', 8_000],
    ['more', { grantedValue: 20_000 }, 'GRANTED', 20_000],
    ['less than there was', { grantedValue: 100 }, 'GRANTED_PARTIALLY', 100],
    ['nothing at all', { grantedValue: '0' }, 'GRANTED_PARTIALLY', 0],
  ])('grants %s', (_name, verdict, state, limit) => {
    const project = new Administered();
    project.do(ask('more', wish('12000')), { caller: by('ada') });
    const applied = project.do(approve('more', verdict), { caller: by('bob') });
    expect(applied.shards).toEqual(['project:100000000001']);
    expect(limitOf(project)).toBe(limit);
    expect(project.state.project().temporaryRaises).toBeUndefined();
    expect(preferenceOf(project, 'more')).toMatchObject({
      state,
      preferredValue: 12_000,
      grantedValue: limit,
      events: [{ actor: 'ada' }, { actor: 'bob', state, value: limit, comment: verdict.comment ?? '' }],
    });
  });

  it('for a shorter time than asked is a cut', () => {
    const project = new Administered();
    project.do(ask('more', wish('12000')));
    project.do(approve('more', { expireTime: NOON }));
    expect(preferenceOf(project, 'more')).toMatchObject({ state: 'GRANTED_PARTIALLY', expireTime: NOON });
    expect(project.state.project().temporaryRaises).toMatchObject([{ value: 12_000, baseValue: 6_000 }]);
  });

  it.each<[QuotaVerdict, string]>([
    [{ grantedValue: '600001' }, 'grantedValue'],
    [{ grantedValue: -1 }, 'grantedValue'],
    [{ grantedValue: '6000', expireTime: NOON }, 'grantedValue'],
    [{ expireTime: '2025-01-01T00:00:00Z' }, 'expireTime'],
    [{ expireTime: '' }, 'expireTime'],
    [{ comment: 'x'.repeat(1_001) }, 'comment'],
  ])('refuses the verdict %j', (verdict, field) => {
    const project = new Administered();
    project.do(ask('more', wish('12000')));
    expect(fieldsOf(project.refuse(approve('more', verdict)))).toEqual([field]);
  });

  it('tells who comes second that it was decided, and by whom; who asked is told to ask anew', () => {
    const project = new Administered();
    project.do(ask('more', wish('12000')));
    project.do(approve('more'), { caller: by('bob'), time: NOON });
    const told = (command: Command): unknown => project.refuse(command);
    expect(told(approve('more'))).toMatchObject({
      description: `The quota preference more is GRANTED and cannot be approved any more. That was bob at ${NOON}.`,
    });
    const anew = expect.stringContaining('Ask anew, under another quotaPreferenceId.');
    expect(told(withdraw('more'))).toMatchObject({ description: anew });
  });

  it('that refuses changes no limit and says why', () => {
    const project = new Administered();
    project.do(ask('more', wish('12000')));
    expect(fieldsOf(project.refuse(refuse('more', {})))).toEqual(['comment']);
    expect(project.do(refuse('more', { comment: 'use what you have' })).shards).toEqual([]);
    expect(preferenceOf(project, 'more').events.at(-1)).toMatchObject({
      state: 'REFUSED',
      comment: 'use what you have',
    });
    expect(project.state.project()).toEqual(PROJECT);
  });

  it('happens once: what is decided or withdrawn stays so', () => {
    for (const last of [approve('more'), refuse('more', { comment: 'no' }), withdraw('more')]) {
      const project = new Administered();
      project.do(ask('more', wish('12000')));
      project.do(last);
      const before = preferenceOf(project, 'more');
      for (const command of [
        approve('more', { grantedValue: 600_000 }),
        refuse('more', { comment: 'no' }),
        change('more', wish('600000'), ['quotaConfig.preferredValue']),
        withdraw('more'),
      ]) {
        expect(project.refuse(command)).toMatchObject({ tag: 'failed_precondition' });
      }
      expect(preferenceOf(project, 'more')).toEqual(before);
    }
  });

  it('of what nobody asked for is refused', () => {
    const project = new Administered();
    for (const command of [approve('more'), refuse('more', { comment: 'no' }), withdraw('more')]) {
      expect(project.refuse(command)).toMatchObject({ tag: 'not_found' });
    }
  });

  it('of the second quota changes that one', () => {
    const project = new Administered();
    project.do(ask('more', wish('70000', { quotaId: CREDENTIALS, expireTime: NOON })));
    project.do(approve('more'));
    expect(project.state.project()).toMatchObject({
      tokenExchangesPerMinute: 6_000,
      credentialGenerationsPerMinute: 70_000,
    });
    project.do(END, { time: NOON });
    expect(project.state.project()).toEqual({ ...PROJECT, credentialGenerationsPerMinute: 60_000 });
  });

  it('needs a right of its own, on the organization: no step serves asker and reviewer, and no quota role on a project has it', () => {
    const steps = [
      ask('more', wish('12000')),
      change('more', wish('12000'), []),
      withdraw('more'),
      approve('more'),
      refuse('more', { comment: 'no' }),
    ];
    const needed = steps.map((step) => [step.type, needOf(step)?.permission, needOf(step)?.where.kind]);
    expect(needed).toEqual([
      ['quotaPreference.ask', 'cloudquotas.quotas.update', 'project'],
      ['quotaPreference.change', 'cloudquotas.quotas.update', 'project'],
      ['quotaPreference.withdraw', 'cloudquotas.quotas.update', 'project'],
      ['quotaPreference.approve', 'cloudquotas.quotas.approve', 'organization'],
      ['quotaPreference.refuse', 'cloudquotas.quotas.approve', 'organization'],
    ]);
    const holds = (role: string): readonly string[] =>
      (predefinedRole(role)?.permissions ?? []).filter((one) => /^cloudquotas\.quotas\.(update|approve)$/.test(one));
    expect(holds('roles/owner')).toEqual(['cloudquotas.quotas.approve', 'cloudquotas.quotas.update']);
    expect(holds('roles/cloudquotas.admin')).toEqual(['cloudquotas.quotas.update']);
  });
});

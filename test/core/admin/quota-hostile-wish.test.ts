/** Wishes that are meant to hurt: what a reviewer would read otherwise than it is written, and what would keep the Registry busy. */
import { describe, expect, it } from 'vitest';
import type { QuotaWish } from '../../../src/core/admin/commands.ts';
import { Administered, fieldsOf, sentencesOf } from '../../support/administer.ts';

const wish = (more: QuotaWish = {}, annotations: Readonly<Record<string, string>> = {}): QuotaWish => ({
  quotaId: 'TokenExchangeRequestsPerMinutePerProject',
  service: 'sts',
  quotaConfig: { preferredValue: '12000', annotations },
  justification: 'a rollout',
  ...more,
});

const refusalOf = (input: QuotaWish) =>
  new Administered().refuse({ type: 'quotaPreference.ask', preferenceId: 'more', input });

describe('a wish', () => {
  // 600 KB of dots would keep an expression that goes back and forth busy for minutes, and the project's object with it.
  it('with an address of any length is refused by its length', () => {
    expect(fieldsOf(refusalOf(wish({ contactEmail: `a@${'.'.repeat(600_000)} ` })))).toEqual(['contactEmail']);
    expect(fieldsOf(refusalOf(wish({ contactEmail: `${'a'.repeat(251)}@b.c` })))).toEqual(['contactEmail']);
  });

  it.each([
    ['an escape sequence in an annotation', {}, { ticket: 'a\u001b[2Jb' }, 'quotaConfig.annotations.ticket'],
    ['an escape sequence in a key', {}, { 'a\u001b[2J': 'b' }, 'quotaConfig.annotations'],
    ['a text that runs backwards', { justification: 'raise to 7\u202e000,006' }, {}, 'justification'],
    ['a line that no terminal shows as one', { justification: 'fine\u2028approved by ada' }, {}, 'justification'],
    ['a turn within', { justification: 'fine\u2067 not' }, {}, 'justification'],
  ])('with %s is refused', (_name, more, annotations, field) => {
    expect(fieldsOf(refusalOf(wish(more, annotations)))).toEqual([field]);
  });

  it('with a long key is refused without repeating it', () => {
    const said = sentencesOf(refusalOf(wish({}, { ['k'.repeat(100_000)]: 'x'.repeat(300) })));
    expect(said).toContain('quotaConfig.annotations');
    expect(said.length).toBeLessThan(500);
  });

  it('in any language, with lines and tabs, is taken', () => {
    const justification = 'لوحة\tנתונים\r\nщиты 🛡️ – 你好';
    const taken = new Administered().do({
      type: 'quotaPreference.ask',
      preferenceId: 'more',
      input: wish({ justification }, { תווית: 'ערך' }),
    });
    expect(taken.answer).toMatchObject({ preference: { justification, annotations: { תווית: 'ערך' } } });
  });
});

describe('a verdict', () => {
  // As clients write a member that was not set: by that, a raise for a day must not become one for good.
  it('with an empty time grants nothing', () => {
    const project = new Administered();
    const input = wish({ expireTime: '2026-01-01T12:00:00Z' });
    project.do({ type: 'quotaPreference.ask', preferenceId: 'more', input });
    const denial = project.refuse({
      type: 'quotaPreference.approve',
      preferenceId: 'more',
      verdict: { expireTime: '' },
    });
    expect(fieldsOf(denial)).toEqual(['expireTime']);
    expect(project.state.project()).toMatchObject({ tokenExchangesPerMinute: 6_000 });
  });
});

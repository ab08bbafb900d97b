/** Temporary raises, and wishes in whatever order: what is in force is what an oracle says. */
import { by } from '../../support/callers.ts';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PROJECT } from '../../support/admin-samples.ts';
import { Administered } from '../../support/administer.ts';
import {
  QUOTA_ID,
  NOON,
  EVENING,
  wish,
  ask,
  approve,
  withdraw,
  setLimit,
  END,
  preferenceOf,
  stateOf,
  limitOf,
  withRaise,
} from './quota-preferences-support.ts';

describe('a temporary raise', () => {
  it('shows why the limit is what it is, and ends by itself', () => {
    const project = withRaise();
    expect(limitOf(project)).toBe(12_000);
    expect(project.state.project().temporaryRaises).toEqual([
      { quotaId: QUOTA_ID, preferenceId: 'burst', value: 12_000, baseValue: 6_000, expireTime: NOON },
    ]);
    const early = project.do(END, { time: '2026-01-01T11:59:59.999Z' });
    expect({ writes: early.writes, shards: early.shards }).toEqual({ writes: [], shards: [] });
    expect(limitOf(project)).toBe(12_000);
    const ended = project.do(END, { time: NOON, caller: by('edge-sts') });
    expect(ended.shards).toEqual(['project:100000000001']);
    expect(project.state.project()).toEqual(PROJECT);
    expect(preferenceOf(project, 'burst')).toMatchObject({ state: 'EXPIRED', grantedValue: 12_000, expireTime: NOON });
    expect(preferenceOf(project, 'burst').events.at(-1)).toMatchObject({ actor: 'edge-sts', value: 6_000 });
    expect(project.do(END, { time: EVENING }).writes).toEqual([]);
  });

  it('stays where an administrator changes the base: that is the limit to which the project returns', () => {
    const project = withRaise();
    project.do(setLimit(5_000));
    expect(limitOf(project)).toBe(12_000);
    expect(project.state.project().temporaryRaises).toMatchObject([{ value: 12_000, baseValue: 5_000 }]);
    expect(stateOf(project, 'burst')).toBe('GRANTED');
    project.do(END, { time: NOON });
    expect(limitOf(project)).toBe(5_000);
  });

  it('never lowers: a base above it is in force at once', () => {
    const project = withRaise();
    project.do(setLimit(30_000));
    expect(limitOf(project)).toBe(30_000);
    project.do(END, { time: NOON });
    expect(limitOf(project)).toBe(30_000);
    expect(stateOf(project, 'burst')).toBe('EXPIRED');
  });

  it('ends where the project is closed', () => {
    const project = withRaise();
    project.do(setLimit(0));
    expect(project.state.project()).toEqual({ ...PROJECT, tokenExchangesPerMinute: 0 });
    expect(stateOf(project, 'burst')).toBe('SUPERSEDED');
    expect(project.do(END, { time: NOON }).writes).toEqual([]);
  });

  it('opens a closed project for its time', () => {
    const project = new Administered();
    project.do(setLimit(0));
    project.do(ask('burst', wish('3', { expireTime: NOON })));
    project.do(approve('burst'));
    expect(limitOf(project)).toBe(3);
    project.do(END, { time: NOON });
    expect(limitOf(project)).toBe(0);
  });

  it('does not become the base because somebody writes back what he read', () => {
    const project = withRaise();
    const { displayName, tokenExchangesPerMinute } = project.state.project();
    project.do({
      type: 'project.patch',
      input: { displayName: `${displayName}!`, tokenExchangesPerMinute },
      mask: ['displayName', 'tokenExchangesPerMinute'],
    });
    project.do(END, { time: NOON });
    expect(project.state.project()).toEqual({ ...PROJECT, displayName: 'Demo!' });
  });

  it('is given back early by withdrawing it; a limit for good is not', () => {
    const project = withRaise();
    expect(project.do(withdraw('burst')).shards).toEqual(['project:100000000001']);
    expect(project.state.project()).toEqual(PROJECT);
    expect(stateOf(project, 'burst')).toBe('WITHDRAWN');
    project.do(ask('more', wish('7000')));
    project.do(approve('more'));
    expect(project.refuse(withdraw('more'))).toMatchObject({ tag: 'failed_precondition' });
    expect(limitOf(project)).toBe(7_000);
  });

  it('takes the place of the raise before it, and leaves the base alone', () => {
    const project = withRaise();
    project.do(ask('again', wish('9000', { expireTime: EVENING })));
    project.do(approve('again'));
    expect(stateOf(project, 'burst')).toBe('SUPERSEDED');
    expect(limitOf(project)).toBe(9_000);
    project.do(END, { time: NOON });
    expect(limitOf(project)).toBe(9_000);
    project.do(END, { time: EVENING });
    expect(limitOf(project)).toBe(6_000);
  });

  it('runs on beside a grant for good, which takes the place of the grant for good before it', () => {
    const project = withRaise();
    project.do(ask('first', wish('7000')));
    project.do(approve('first'));
    project.do(ask('second', wish('8000')));
    project.do(approve('second'));
    expect([stateOf(project, 'burst'), stateOf(project, 'first'), stateOf(project, 'second')]).toEqual([
      'GRANTED',
      'SUPERSEDED',
      'GRANTED',
    ]);
    expect(limitOf(project)).toBe(12_000);
    project.do(END, { time: NOON });
    expect(limitOf(project)).toBe(8_000);
    project.do(setLimit(100), { caller: by('bob') });
    expect(stateOf(project, 'second')).toBe('SUPERSEDED');
    expect(preferenceOf(project, 'second').events.at(-1)).toMatchObject({ actor: 'bob', value: 100 });
  });
});

describe('whatever is asked, decided and changed in whatever order', () => {
  type Step =
    | { readonly kind: 'grant'; readonly value: number; readonly minutes: number | undefined }
    | { readonly kind: 'patch'; readonly value: number }
    | { readonly kind: 'wait'; readonly minutes: number };
  const value = fc.integer({ min: 0, max: 20 });
  const steps = fc.array(
    fc.oneof(
      fc.record({
        kind: fc.constant('grant' as const),
        value,
        minutes: fc.option(fc.integer({ min: 1, max: 9 }), { nil: undefined }),
      }),
      fc.record({ kind: fc.constant('patch' as const), value }),
      fc.record({ kind: fc.constant('wait' as const), minutes: fc.integer({ min: 0, max: 6 }) }),
    ),
    { maxLength: 30 },
  );
  const MINUTE = 60_000;
  const START = Date.UTC(2026, 0, 1);

  /** What the design says, written down again: a base, and perhaps a raise with an end. */
  function oracle(list: readonly Step[]): number {
    let nowMs = START;
    let base = 6_000;
    let raise: { value: number; endMs: number } | undefined;
    for (const step of list) {
      const inForce = Math.max(base, raise?.value ?? 0);
      if (step.kind === 'wait') nowMs += step.minutes * MINUTE;
      else if (step.kind === 'grant' && step.minutes !== undefined) {
        if (step.value > base) raise = { value: step.value, endMs: nowMs + step.minutes * MINUTE };
      } else if (step.kind === 'grant' || step.value !== inForce) base = step.value;
      // Who closes a project ends its raise. Who writes back what is in force closes nothing.
      const isWrittenBack = step.kind === 'patch' && inForce === 0;
      const isForGood = step.kind === 'patch' || (step.kind === 'grant' && step.minutes === undefined);
      if (isForGood && step.value === 0 && !isWrittenBack) raise = undefined;
      if (raise !== undefined && raise.endMs <= nowMs) raise = undefined;
    }
    return Math.max(base, raise?.value ?? 0);
  }

  it('the limit is the larger of the base and the raise that runs', () => {
    fc.assert(
      fc.property(steps, (list) => {
        const project = new Administered();
        let nowMs = START;
        for (const [index, step] of list.entries()) {
          if (step.kind === 'wait') nowMs += step.minutes * MINUTE;
          const time = new Date(nowMs).toISOString();
          if (step.kind === 'patch') project.do(setLimit(step.value), { time });
          if (step.kind === 'grant') {
            const expireTime =
              step.minutes === undefined ? undefined : new Date(nowMs + step.minutes * MINUTE).toISOString();
            const more = expireTime === undefined ? {} : { expireTime };
            if (project.try(ask(`w-${index}`, wish(step.value, more)), { time }).ok) {
              project.do(approve(`w-${index}`), { time });
            }
          }
          project.do(END, { time });
          const { temporaryRaises = [], tokenExchangesPerMinute } = project.state.project();
          expect(temporaryRaises.length).toBeLessThanOrEqual(1);
          expect(tokenExchangesPerMinute).toBe(oracle(list.slice(0, index + 1)));
          expect(project.state.openQuotaPreferences().length).toBeLessThanOrEqual(2);
        }
      }),
      { numRuns: 1_000 },
    );
  });
});

/** What the Registry tells a project's quota: deliveries that are split, late, repeated or overtaken come to the same. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { EpochChange } from '../../../src/core/news.ts';
import { advanceProject, type QuotaProject } from '../../../src/core/quota/project.ts';

const change = (epoch: number): EpochChange => ({ epoch, shards: [`target:t${epoch}`] });
const limitAt = (epoch: number): number => epoch * 10;

describe('a delivery from the Registry', () => {
  it('makes the project exist, and an empty one says nothing', () => {
    expect(advanceProject(undefined, { changes: [], limitPerMinute: 5 })).toBeUndefined();
    const project = advanceProject(undefined, { changes: [change(1)], limitPerMinute: 5 });
    expect(project).toEqual({ epoch: 1, recent: [change(1)], limitPerMinute: 5 });
    expect(advanceProject(project, { changes: [], limitPerMinute: 9 })).toEqual(project);
  });

  it('has one result however deliveries are split, repeated and reordered', () => {
    const last = 80;
    const deliveries = fc
      .array(fc.uniqueArray(fc.integer({ min: 1, max: last }), { minLength: 1, maxLength: 12 }), { maxLength: 20 })
      .chain((lists) => fc.shuffledSubarray([...lists, ...lists, [last, 1]], { minLength: lists.length * 2 + 1 }));
    fc.assert(
      fc.property(deliveries, (lists) => {
        let project: QuotaProject | undefined;
        for (const epochs of lists) {
          const input = { changes: epochs.map(change), limitPerMinute: limitAt(Math.max(...epochs)) };
          project = advanceProject(project, input);
        }
        const all = [...new Set(lists.flat())].toSorted((a, b) => a - b);
        expect(project).toEqual({ epoch: last, recent: all.slice(-64).map(change), limitPerMinute: limitAt(last) });
      }),
    );
  });

  it('carries the retention as of its epoch, and says nothing of it where it lacks it', () => {
    const advance = (project: QuotaProject | undefined, epoch: number, recentRetentionSeconds?: number) =>
      advanceProject(project, {
        changes: [change(epoch)],
        limitPerMinute: 1,
        ...(recentRetentionSeconds === undefined ? {} : { recentRetentionSeconds }),
      });
    const told = advance(advance(undefined, 1, 60), 5, 0);
    expect(told).toMatchObject({ epoch: 5, recentRetentionSeconds: 0 });
    expect(advance(told, 3, 90)).toMatchObject({ recentRetentionSeconds: 0 });
    expect(advance(told, 6)).toMatchObject({ epoch: 6, recentRetentionSeconds: 0 });
    const untold = advance(undefined, 5);
    expect(untold).not.toHaveProperty('recentRetentionSeconds');
    expect(advance(untold, 3, 90)).toMatchObject({ epoch: 5, recentRetentionSeconds: 90 });
  });

  it('keeps the last 64 changes', () => {
    const epochs = Array.from({ length: 70 }, (_, i) => i + 1);
    const project = advanceProject(undefined, { changes: epochs.map(change), limitPerMinute: 1 });
    expect(project?.recent.map(({ epoch }) => epoch)).toEqual(epochs.slice(6));
  });

  it('that gives a known epoch other shards counts both', () => {
    const first = advanceProject(undefined, { changes: [{ epoch: 1, shards: ['a', 'b'] }], limitPerMinute: 1 });
    const second = advanceProject(first, { changes: [{ epoch: 1, shards: ['b', 'c'] }], limitPerMinute: 1 });
    expect(second?.recent).toEqual([{ epoch: 1, shards: ['a', 'b', 'c'] }]);
  });
});

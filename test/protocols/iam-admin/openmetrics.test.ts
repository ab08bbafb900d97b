/** The text of metrics: by the grammar whatever the names hold, and in the format that the scraper asked for. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { metricFamilies } from '../../../src/protocols/iam-admin/metrics-view.ts';
import { preferredFormat, renderFamilies } from '../../../src/protocols/iam-admin/openmetrics.ts';
import { readOpenMetrics } from '../../support/openmetrics.ts';

const NOW_MS = Date.UTC(2026, 5, 1);

describe('the text', () => {
  it('says of any project, provider and reason what was given, and nothing that its name spells', () => {
    const count = fc.nat({ max: 1e9 });
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary' }),
        fc.dictionary(fc.string({ unit: 'binary', minLength: 1 }), count),
        fc.constantFrom('"} 1\nevil_total 9\n', '\\', '\\"', '# EOF\n', 'ordinary'),
        count,
        (projectId, byReason, poolId, epoch) => {
          const families = metricFamilies({
            isCut: false,
            nowMs: NOW_MS,
            projects: [
              {
                projectId,
                savedEpoch: epoch,
                isCut: false,
                failures: { registry: 0, quota: 0, key_ring: 0, issuer_keys: 1 },
                issuers: [{ poolId, providerId: poolId, source: 'discovery', keyCount: 0, failuresInARow: 3 }],
                quota: {
                  epoch,
                  limitPerMinute: 1,
                  countedPermits: 0,
                  lostExchanges: 0,
                  exchanges: { sinceMs: 0, byReason },
                },
              },
            ],
          });
          const read = readOpenMetrics(renderFamilies(families, 'openmetrics'));
          const totals = (read.get('edge_sts_exchanges')?.samples ?? []).filter(({ name }) => name.endsWith('_total'));
          expect(totals.map(({ labels, value }) => [labels['reason'], value])).toEqual(Object.entries(byReason));
          expect(read.get('edge_sts_configuration_saved_epoch')?.samples).toEqual([
            { name: 'edge_sts_configuration_saved_epoch', labels: { project: projectId }, value: epoch },
          ]);
          expect(read.get('edge_sts_issuer_keys_failures')?.samples[0]?.labels).toEqual({
            project: projectId,
            pool: poolId,
            provider: poolId,
            source: 'discovery',
          });
        },
      ),
    );
  });

  it('of the older format has the names of samples in its descriptors, no unit, no creation and no end', () => {
    const families = [
      {
        name: 'x_exchanges',
        type: 'counter',
        help: 'a "b" \\ c',
        samples: [{ labels: { project: 'p"\n' }, value: 2, createdMs: 1_500 }],
      },
    ] as const;
    expect(renderFamilies(families, 'prometheus').split('\n')).toEqual([
      '# HELP x_exchanges_total a "b" \\\\ c',
      '# TYPE x_exchanges_total counter',
      'x_exchanges_total{project="p\\"\\n"} 2',
      '',
    ]);
    expect(renderFamilies(families, 'openmetrics').split('\n')).toEqual([
      '# TYPE x_exchanges counter',
      '# HELP x_exchanges a \\"b\\" \\\\ c',
      'x_exchanges_total{project="p\\"\\n"} 2',
      'x_exchanges_created{project="p\\"\\n"} 1.5',
      '# EOF',
      '',
    ]);
  });

  it.each([
    [undefined, 'openmetrics'],
    ['*/*', 'openmetrics'],
    ['text/html,application/xhtml+xml,*/*;q=0.8', 'openmetrics'],
    ['application/openmetrics-text;version=1.0.0;q=0.6,text/plain;version=0.0.4;q=0.4,*/*;q=0.1', 'openmetrics'],
    ['text/plain;version=0.0.4;q=0.5,application/openmetrics-text;version=1.0.0;q=0.3', 'prometheus'],
    ['text/plain; version=0.0.4', 'prometheus'],
    ['text/*', 'prometheus'],
    ['text/plain;q=nonsense', 'openmetrics'],
    ['application/json', 'openmetrics'],
  ])('for %s is %s', (accept, format) => {
    expect(preferredFormat(accept)).toBe(format);
  });
});

describe('the check itself', () => {
  it.each([
    ['no end', '# TYPE a gauge\na 1\n'],
    ['a label that is not closed', '# TYPE a gauge\na{b="c} 1\n# EOF\n'],
    ['a sample of no family', '# TYPE a gauge\nb 1\n# EOF\n'],
    ['a sample twice', '# TYPE a gauge\na{b="c"} 1\na{b="c"} 2\n# EOF\n'],
    ['a counter without _total', '# TYPE a counter\na 1\n# EOF\n'],
    ['a family in two places', '# TYPE a gauge\na 1\n# TYPE b gauge\nb 1\n# TYPE a gauge\n# EOF\n'],
    ['a unit that is not in the name', '# TYPE a gauge\n# UNIT a seconds\na 1\n# EOF\n'],
    ['a value that is no number', '# TYPE a gauge\na undefined\n# EOF\n'],
  ])('finds %s', (_what, text) => {
    expect(() => readOpenMetrics(text)).toThrow();
  });
});

/** Etags: one text for one revision, and nobody else's. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { etagOf, isEtag, revisionOfContent } from '../../../src/core/admin/etag.ts';

const revisions = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER - 1 });

describe('etagOf', () => {
  it('spells a policy that was never set as Google does', () => {
    expect(etagOf(0)).toBe('ACAB');
  });

  it('is different for different revisions, and recognised', () => {
    fc.assert(
      fc.property(revisions, revisions, (one, other) => {
        expect(isEtag(etagOf(one))).toBe(true);
        expect(etagOf(one) === etagOf(other)).toBe(one === other);
      }),
    );
  });
});

describe('revisionOfContent', () => {
  it('is a revision, the same for the same content and another for any other', () => {
    const content = fc.jsonValue({ maxDepth: 2 });
    fc.assert(
      fc.property(content, content, (one, other) => {
        const revision = revisionOfContent(one);
        expect(isEtag(etagOf(revision))).toBe(true);
        expect(revision === revisionOfContent(other)).toBe(JSON.stringify(one) === JSON.stringify(other));
      }),
    );
  });

  it('tells apart all limits that there are', () => {
    const all = new Set(Array.from({ length: 600_001 }, (_, limit) => revisionOfContent({ limit })));
    expect(all.size).toBe(600_001);
  });
});

describe('isEtag', () => {
  it.each(['', 'A', 'ACA', 'AC AB', 'ACAB====', 'not base64!', 'BwWWja0YfJA=', 'AAAA', 'ACAA', 'ACA='])(
    'refuses %j',
    (text) => {
      expect(isEtag(text)).toBe(false);
    },
  );

  it('refuses a second spelling of the same bytes', () => {
    const etag = etagOf(300);
    expect(etag).toBe('ACABLQ==');
    expect(isEtag(etag)).toBe(true);
    expect(isEtag('ACABLR==')).toBe(false);
    expect(isEtag('ACABLQ')).toBe(false);
  });
});

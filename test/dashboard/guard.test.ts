/** Where one may be led on to, and whose form it is: pure, against whatever somebody makes up. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cookieHeader, cookieIn, isOwnForm, isSameToken, safeNext } from '../../src/dashboard/guard.ts';

const ORIGIN = 'https://sts.example.com';

describe('safeNext', () => {
  it('leads to a page of the dashboard on this origin or home, whatever is asked for', () => {
    const piece = fc.constantFrom(
      '/',
      '\\',
      '//',
      '..',
      '.',
      '%2e',
      '%2f',
      '%5c',
      'dashboard',
      '@',
      ':',
      '?',
      '#',
      '\t',
      '\r\n',
      'https:',
      'evil.example',
      '\u3002',
      '\u0000',
    );
    const next = fc.oneof(
      fc.array(fc.oneof(piece, fc.string())).map((pieces) => pieces.join('')),
      fc.array(piece).map((pieces) => `/dashboard/${pieces.join('')}`),
      fc.webUrl({ withQueryParameters: true, withFragments: true }),
    );
    fc.assert(
      fc.property(next, (text) => {
        const to = safeNext(text, ORIGIN);
        const url = new URL(to, ORIGIN);
        expect(url.origin).toBe(ORIGIN);
        expect(url.pathname === '/dashboard' || url.pathname.startsWith('/dashboard/')).toBe(true);
        // As a browser reads the header: no second host, no second line.
        expect(to).toMatch(/^\/dashboard(?:\/[\x21-\x7e]*)?$/);
        expect(to.split('?')[0]).not.toMatch(/\\/);
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('isOwnForm', () => {
  const form = (headers: Record<string, string>): boolean => isOwnForm(new Request(ORIGIN, { headers }), ORIGIN);

  it('takes what says that it is ours in all that it says', () => {
    expect(form({ origin: ORIGIN, 'sec-fetch-site': 'same-origin' })).toBe(true);
    expect(form({ 'sec-fetch-site': 'same-origin' })).toBe(true);
    expect(form({ origin: ORIGIN })).toBe(true);
  });

  it('takes nothing that says otherwise anywhere, nor what says nothing', () => {
    const word = fc.oneof(
      fc.constantFrom(
        'none',
        'same-site',
        'cross-site',
        'null',
        '',
        'https://sts.example.com.evil.example',
        `${ORIGIN}/`,
        `${ORIGIN}:443`,
      ),
      fc.webUrl(),
    );
    fc.assert(fc.property(word, (origin) => !form({ origin, 'sec-fetch-site': 'same-origin' })));
    fc.assert(fc.property(word, (site) => !form({ origin: ORIGIN, 'sec-fetch-site': site })));
    expect(form({})).toBe(false);
  });
});

describe('the cookie', () => {
  it('has the prefix that binds it to this host only where there is encryption; browsers refuse it elsewhere', () => {
    expect(cookieHeader('s', ORIGIN)).toBe('__Host-edge-sts=s; Path=/; HttpOnly; SameSite=Strict; Secure');
    expect(cookieHeader('s', 'http://127.0.0.1:8787')).toBe('edge-sts=s; Path=/; HttpOnly; SameSite=Strict');
  });

  it('of another name is none, the plain one neither where there is encryption', () => {
    const read = (cookie: string): string | undefined => cookieIn(new Request(ORIGIN, { headers: { cookie } }), ORIGIN);
    expect(read('edge-sts=a; __Host-edge-sts=b')).toBe('b');
    expect([read('edge-sts=a'), read('x__Host-edge-sts=a'), read('')]).toEqual([undefined, undefined, undefined]);
  });
});

it('tokens are the same where they are equal, and in no other case', () => {
  fc.assert(fc.property(fc.string(), fc.string(), (one, other) => isSameToken(one, other) === (one === other)));
  fc.assert(fc.property(fc.string(), (one) => isSameToken(one, one)));
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkFetchUrl, hostFault, isJwksHost, jwksUriAllowed } from '../../src/core/issuer-url.ts';
import { REFUSED_URLS } from '../support/refused-urls.ts';

const RULES = { loopbackAllowed: false, ownHost: 'sts.example.com' };
const DEVELOPMENT = { loopbackAllowed: true, ownHost: '127.0.0.1:8787' };

const ACCEPTED = [
  'https://good.example',
  'https://good.example/',
  'https://good.example:443/id/1',
  'https://good.example/id/EXAMPLED539D4633E53DE1B716D3041E',
  'https://good.example/a/b/',
  'https://token.actions.githubusercontent.com',
  'https://oidc.eks.eu-west-1.amazonaws.com/id/0123456789ABCDEF0123456789ABCDEF',
  'https://container.googleapis.com/v1/projects/p/locations/l/clusters/c',
  'https://login.microsoftonline.com/00000000-0000-0000-0000-000000000000/v2.0',
  'https://somebody-else.workers.dev/x',
  'https://good.example/%C3%A9',
];

describe('the URL of an issuer', () => {
  it('the table is as long as it is meant to be', () => {
    expect(new Set(REFUSED_URLS.map(([url]) => url)).size).toBe(REFUSED_URLS.length);
    expect(REFUSED_URLS.length).toBeGreaterThanOrEqual(60);
  });

  it.each(REFUSED_URLS)('%j is refused: %s', (url, because) => {
    const verdict = checkFetchUrl(url, RULES);
    expect(verdict.ok ? 'accepted' : verdict.error).toContain(because);
  });

  it.each(ACCEPTED)('%s may be asked', (url) => {
    const verdict = checkFetchUrl(url, RULES);
    expect(verdict.ok ? verdict.value.href : verdict.error).toBe(new URL(url).href);
  });

  it('is refused in each row also with loopback allowed, but for loopback itself', () => {
    const passed = REFUSED_URLS.filter(([url]) => checkFetchUrl(url, { ...RULES, loopbackAllowed: true }).ok);
    expect(passed.map(([url]) => url)).toEqual(['http://127.0.0.1:8080/']);
  });

  it.each(['http://localhost:8081/oidc', 'http://127.0.0.1:9000', 'http://[::1]:9000/'])(
    '%s serves while developing',
    (url) => {
      expect(checkFetchUrl(url, DEVELOPMENT).ok).toBe(true);
    },
  );

  it.each([
    'http://127.0.0.1:8787/',
    'http://localhost:8787/',
    'http://[::1]:8787/',
    'http://10.0.0.1/',
    'http://good.example/',
    'http://127.0.0.1.good.example/',
    'http://user@127.0.0.1:9000/',
    'http://0x7f000001:9000/',
    'https://127.0.0.1:9000/',
  ])('%s does not, even then', (url) => {
    expect(checkFetchUrl(url, DEVELOPMENT).ok).toBe(false);
  });

  it('never throws, and whatever passes is https to a dotted name on 443 in its one spelling', () => {
    const piece = fc.constantFrom(
      'https://',
      'http://',
      '//',
      '/',
      '.',
      '..',
      '@',
      ':',
      '443',
      '[',
      ']',
      '%2e',
      '%',
      '\\',
    );
    const word = fc.constantFrom(
      'good',
      'example',
      'local',
      '127',
      '0x7f',
      '1',
      'sts.example.com',
      'A',
      'é',
      '#',
      '?',
      ' ',
    );
    const noise = fc.array(fc.oneof(piece, word, fc.string()), { maxLength: 8 }).map((parts) => parts.join(''));
    const url = fc.oneof(
      noise,
      noise.map((text) => `https://good.example${text}`),
      noise.map((text) => `https://${text}`),
    );
    fc.assert(
      fc.property(url, (text) => {
        const verdict = checkFetchUrl(text, RULES);
        if (!verdict.ok) return;
        // Read without a URL parser: what passes is so plain that a regular expression understands it.
        expect(text).toMatch(
          /^https:\/\/[a-z0-9-]+(\.[a-z0-9-]+)*\.[a-z0-9-]*[a-z-][a-z0-9-]*(:443)?(\/[^?#\\\s@]*|\/[^?#\\\s]*)?$/,
        );
        expect(text.slice(8)).not.toContain('//');
      }),
      { numRuns: 5_000 },
    );
  });
});

describe('the jwks_uri of a discovery document', () => {
  const ISSUER = 'https://good.example/id/1';

  it.each([
    ['https://good.example/keys', []],
    ['https://good.example/keys?appid=1', []],
    ['https://keys.example/v1', ['keys.example']],
    ['https://login.example/common/keys', ['keys.example', 'login.example']],
  ])('%s is asked where %j are allowed', (url, hosts) => {
    expect(jwksUriAllowed(url, ISSUER, hosts, RULES).ok).toBe(true);
    expect(isJwksHost(url, ISSUER, hosts)).toBe(true);
  });

  it.each([
    ['https://evil.example/keys', []],
    ['https://evil.example/good.example', []],
    ['https://good.example.evil.example/keys', []],
    ['https://sub.good.example/keys', []],
    ['https://xgood.example/keys', ['good.example']],
    ['https://keys.example.evil.example/', ['keys.example']],
    ['https://sub.keys.example/', ['keys.example']],
    ['https://sts.example.com/keys', ['sts.example.com']],
    ['https://kubernetes.default.svc/openid/v1/jwks', ['kubernetes.default.svc']],
    ['https://169.254.169.254/', ['169.254.169.254']],
    ['http://good.example/keys', []],
    ['https://good.example:6443/openid/v1/jwks', []],
    ['https://good.example@evil.example/keys', ['evil.example']],
  ])('%s is not, where %j are allowed', (url, hosts) => {
    expect(jwksUriAllowed(url, ISSUER, hosts, RULES).ok).toBe(false);
  });

  it.each(REFUSED_URLS.filter(([, because]) => because !== 'query'))('%j is refused here too: %s', (url) => {
    const hosts = URL.canParse(url) ? [new URL(url).hostname] : [];
    expect(jwksUriAllowed(url, ISSUER, hosts, RULES).ok).toBe(false);
  });

  it('no text is on a host of its own accord', () => {
    expect(isJwksHost('not a URL', ISSUER, ['good.example'])).toBe(false);
    expect(isJwksHost('https://good.example/', 'not a URL', [])).toBe(false);
  });
});

describe('an entry of allowedJwksHosts', () => {
  it.each(['keys.example', 'a-b.c.example', '1.example'])('%s may stand there', (host) => {
    expect(hostFault(host)).toBeUndefined();
  });

  it.each([
    '',
    'keys',
    'KEYS.example',
    'keys.example.',
    'keys.example:443',
    '*.example',
    'a.local',
    '10.0.0.1',
    '[::1]',
  ])('%j may not', (host) => {
    expect(hostFault(host)).toBeDefined();
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkFetchUrl, hostFault, isJwksHost, jwksUriAllowed } from '../../src/core/issuer-url.ts';

const RULES = { loopbackAllowed: false, ownHost: 'sts.example.com' };
const DEVELOPMENT = { loopbackAllowed: true, ownHost: '127.0.0.1:8787' };

/** What an administrator may paste, or an attacker may talk him into; the word says which rule is to refuse it. */
const REFUSED: readonly (readonly [url: string, because: string])[] = [
  // Addresses instead of names, in every spelling that a parser understands.
  ['https://127.0.0.1/', 'IP address'],
  ['https://127.1/', 'IP address'],
  ['https://2130706433/', 'IP address'],
  ['https://0x7f000001/', 'IP address'],
  ['https://0x7f.0.0.1/', 'IP address'],
  ['https://0177.0.0.1/', 'IP address'],
  ['https://017700000001/', 'IP address'],
  ['https://0/', 'IP address'],
  ['https://127.0.0.1./', 'IP address'],
  ['https://169.254.169.254/latest/meta-data', 'IP address'],
  ['https://0xa9fea9fe/', 'IP address'],
  ['https://100.100.100.200/', 'IP address'],
  ['https://10.0.0.1/', 'IP address'],
  ['https://192.168.1.1/', 'IP address'],
  ['https://8.8.8.8/', 'IP address'],
  ['https://%31%32%37.0.0.1/', 'IP address'],
  ['https://[::1]/', 'IP address'],
  ['https://[::]/', 'IP address'],
  ['https://[::ffff:127.0.0.1]/', 'IP address'],
  ['https://[::ffff:7f00:1]/', 'IP address'],
  ['https://[0:0:0:0:0:ffff:a9fe:a9fe]/', 'IP address'],
  ['https://[64:ff9b::7f00:1]/', 'IP address'],
  ['https://[fd00:ec2::254]/', 'IP address'],
  ['https://[fe80::1%25eth0]/', 'not a URL'],
  ['https://1.2.3.4.5/', 'not a URL'],
  ['https://256.256.256.256/', 'not a URL'],
  // Names that lead to a neighbour.
  ['https://localhost/', 'bare name'],
  ['https://metadata/', 'bare name'],
  ['https://kubernetes/', 'bare name'],
  ['https://vault.localhost/', '.localhost'],
  ['https://printer.local/', '.local'],
  ['https://kubernetes.default.svc', '.svc'],
  ['https://kubernetes.default.svc.cluster.local', '.local'],
  ['https://metadata.google.internal/', '.internal'],
  ['https://ip-10-0-0-1.ec2.internal/', '.internal'],
  ['https://router.home.arpa/', '.home.arpa'],
  ['https://expyuzz4wqqyqhjn.onion/', '.onion'],
  ['https://git.corp/', '.corp'],
  ['https://good.example./', 'dot at its end'],
  ['https://good..example/', 'letters, digits and hyphens'],
  ['https://-good.example/', 'letters, digits and hyphens'],
  ['https://good_one.example/', 'letters, digits and hyphens'],
  ['https://*.example/', 'letters, digits and hyphens'],
  [`https://${'a'.repeat(64)}.example/`, 'letters, digits and hyphens'],
  ['https://xn--gogle-qmc.example/', 'internationalised'],
  ['https://g\u043e\u043egle.example/', 'not a URL'],
  ['https://good\u3002example/', 'not a URL'],
  ['https://\uff11\uff12\uff17.0.0.1/', 'not a URL'],
  // Ourselves.
  ['https://sts.example.com/', 'broker itself'],
  ['https://sts.example.com/600001/pool', 'broker itself'],
  ['https://sts.example.com:443/', 'broker itself'],
  // Other schemes, other ports.
  ['http://good.example/', 'https://'],
  ['http://127.0.0.1:8080/', 'https://'],
  ['HTTPS://good.example/', 'https://'],
  ['ftp://good.example/', 'https://'],
  ['file:///etc/passwd', 'https://'],
  ['data:application/json,{}', 'https://'],
  ['javascript:alert(1)', 'https://'],
  ['//good.example/', 'not a URL'],
  ['good.example', 'not a URL'],
  ['', 'not a URL'],
  ['https:/good.example/', 'https://'],
  ['https:good.example/', 'https://'],
  ['https:///good.example/', 'normal form'],
  ['https://good.example:22/', 'port'],
  ['https://good.example:80/', 'port'],
  ['https://good.example:8443/', 'port'],
  ['https://good.example:0443/', 'normal form'],
  ['https://good.example:/', 'normal form'],
  ['https://good.example:99999/', 'not a URL'],
  // Two hosts in one text.
  ['https://good.example@evil.example/', 'user name'],
  ['https://user:secret@good.example/', 'user name'],
  ['https://@good.example/', 'user name'],
  ['https://good.example\\@evil.example/', 'not a URL'],
  ['https://good.example\\evil.example/', 'not a URL'],
  ['https://good.example%2eevil.example/', 'plain path'],
  ['https://good%65.example/', 'normal form'],
  ['https://good.example%00.evil.example/', 'not a URL'],
  ['https://good.example#@evil.example/', 'fragment'],
  ['https://good.example?@evil.example/', 'query'],
  // Paths that a second reader would read differently.
  ['https://good.example/a/../b', 'normal form'],
  ['https://good.example/./b', 'normal form'],
  ['https://good.example/%2e%2e/b', 'plain path'],
  ['https://good.example/%2E%2E%2Fb', 'plain path'],
  ['https://good.example/a%2fb', 'plain path'],
  ['https://good.example/a%5cb', 'plain path'],
  ['https://good.example/a%0d%0ab', 'plain path'],
  ['https://good.example/a%252fb', 'plain path'],
  ['https://good.example//evil.example', 'plain path'],
  ['https://good.example/a//b', 'plain path'],
  ['https://good.example/a?b=c', 'query'],
  ['https://good.example/?', 'query'],
  ['https://good.example/a#b', 'fragment'],
  ['https://good.example/#', 'fragment'],
  ['https://GOOD.example/', 'normal form'],
  ['https://good.example/a b', 'not a URL'],
  [' https://good.example/', 'not a URL'],
  ['https://good.example/\n', 'not a URL'],
  ['https://go\tod.example/', 'not a URL'],
  ['https://good.example/\u0000', 'not a URL'],
  ['https://good.example/\u202e', 'not a URL'],
  [`https://good.example/${'a'.repeat(2_000)}`, 'longer than'],
];

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
    expect(new Set(REFUSED.map(([url]) => url)).size).toBe(REFUSED.length);
    expect(REFUSED.length).toBeGreaterThanOrEqual(60);
  });

  it.each(REFUSED)('%j is refused: %s', (url, because) => {
    const verdict = checkFetchUrl(url, RULES);
    expect(verdict.ok ? 'accepted' : verdict.error).toContain(because);
  });

  it.each(ACCEPTED)('%s may be asked', (url) => {
    const verdict = checkFetchUrl(url, RULES);
    expect(verdict.ok ? verdict.value.href : verdict.error).toBe(new URL(url).href);
  });

  it('is refused in each row also with loopback allowed, but for loopback itself', () => {
    const passed = REFUSED.filter(([url]) => checkFetchUrl(url, { ...RULES, loopbackAllowed: true }).ok);
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

  it.each(REFUSED.filter(([, because]) => because !== 'query'))('%j is refused here too: %s', (url) => {
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

/** Where a provider's keys come from, and the options beside them: uploaded or asked for, by which hosts, for how long. */
import { describe, expect, it } from 'vitest';
import type { ProviderInput } from '../../../src/core/admin/commands.ts';
import type { Provider } from '../../../src/core/resources.ts';
import { CLUSTER, EC_KEY, jwks, OIDC, RSA_KEY } from '../../support/admin-samples.ts';
import { Administered, fieldsOf, sentencesOf } from '../../support/administer.ts';

const DISCOVERED: ProviderInput = {
  oidc: { issuerUri: 'https://issuer.example.com' },
  attributeMapping: OIDC.attributeMapping,
};

const create = (input: ProviderInput) =>
  ({ type: 'provider.create', poolId: 'my-pool', providerId: 'provider-1', input }) as const;
const patch = (input: ProviderInput, ...mask: string[]) =>
  ({ type: 'provider.patch', poolId: 'my-pool', providerId: 'provider-1', input, mask }) as const;

function withPool(): Administered {
  const project = new Administered();
  project.do({ type: 'pool.create', poolId: 'my-pool', input: {} });
  project.do({ type: 'target.create', targetId: 'cluster-api', input: { uri: 'https://api.example.com' } });
  return project;
}

function made(input: ProviderInput): Administered {
  const project = withPool();
  project.do(create(input));
  return project;
}

const providerOf = (project: Administered): Provider | undefined => project.state.provider('my-pool', 'provider-1');

describe('the source of the keys', () => {
  it('is discovery without keys, and upload with them', () => {
    expect(providerOf(made(DISCOVERED))).toMatchObject({ keySource: 'discovery', keys: [], jwksJson: '' });
    expect(providerOf(made(OIDC))).toMatchObject({ keySource: 'uploaded', jwksJson: jwks(EC_KEY) });
  });

  it.each([
    'https://10.0.0.1:6443',
    'https://kubernetes.default.svc.cluster.local',
    'https://127.0.0.1',
    'https://issuer.example.com:8443',
    'https://ISSUER.example.com',
    'https://sts.example.com',
    'https://issuer.internal',
  ])('is never discovery at %s, which is told with the way out; keys may be uploaded for it', (issuerUri) => {
    const denial = withPool().refuse(create({ ...DISCOVERED, oidc: { issuerUri } }));
    expect(sentencesOf(denial)).toMatch(/^oidc\.issuerUri: .*upload/);
    withPool().do(create({ ...DISCOVERED, oidc: { issuerUri, jwksJson: jwks(EC_KEY) } }));
  });

  it('may be on loopback in development, but never the broker itself', () => {
    const development = { loopbackIssuersAllowed: true, ownHost: '127.0.0.1:8787' };
    withPool().do(create({ ...DISCOVERED, oidc: { issuerUri: 'http://127.0.0.1:9000' } }), development);
    const own = create({ ...DISCOVERED, oidc: { issuerUri: 'http://localhost:8787' } });
    expect(fieldsOf(withPool().refuse(own, development))).toEqual(['oidc.issuerUri']);
  });

  it('is not discovery because a script sent nothing', () => {
    const empty = { ...DISCOVERED, oidc: { issuerUri: 'https://issuer.example.com', jwksJson: '' } };
    expect(fieldsOf(withPool().refuse(create(empty)))).toEqual(['oidc.jwksJson']);
    expect(fieldsOf(made(OIDC).refuse(patch({ oidc: { jwksJson: '' } }, 'jwksJson')))).toEqual(['oidc.jwksJson']);
  });

  it.each(['jwksJson', 'oidc.jwksJson'])('changes by the path %s, there and back', (path) => {
    const project = made(OIDC);
    const toDiscovery = project.do(patch({}, path));
    expect(providerOf(project)).toMatchObject({ keySource: 'discovery', keys: [], jwksJson: '' });
    expect(toDiscovery.alert).toMatchObject({ source: 'discovery', addedThumbprints: [] });
    expect(toDiscovery.alert?.removedThumbprints).toHaveLength(1);
    const toUpload = project.do(patch({ oidc: { jwksJson: jwks(RSA_KEY) } }, path));
    expect(providerOf(project)).toMatchObject({ keySource: 'uploaded', jwksJson: jwks(RSA_KEY) });
    expect(toUpload.alert).toMatchObject({ source: 'uploaded', removedThumbprints: [] });
    expect(toUpload.alert?.addedThumbprints).toHaveLength(1);
  });

  it('changes with the whole that it is part of', () => {
    const project = made(OIDC);
    const whole = { oidc: { issuerUri: 'https://issuer.example.com' } };
    project.do(patch(whole, 'oidc'));
    expect(providerOf(project)?.keySource).toBe('discovery');
    project.do(patch({ ...OIDC }, '*'));
    expect(providerOf(project)?.keySource).toBe('uploaded');
  });

  it('stays where a patch is about something else', () => {
    for (const input of [OIDC, DISCOVERED]) {
      const project = made(input);
      const before = providerOf(project);
      const change = project.do(patch({ disabled: true }, 'disabled', 'displayName'));
      expect(change.alert).toBeUndefined();
      expect(providerOf(project)).toEqual({ ...before, disabled: true, updateTime: expect.any(String) });
    }
  });

  it('is watched: another issuer to be asked is another set of keys; the same set again is not', () => {
    const project = made(DISCOVERED);
    const moved = patch({ oidc: { issuerUri: 'https://other.example.com' } }, 'oidc.issuerUri');
    expect(project.do(moved).alert).toMatchObject({ source: 'discovery' });
    expect(project.do(moved).alert).toBeUndefined();
    const uploaded = made(OIDC);
    const before = providerOf(uploaded)?.keysUpdateTime;
    expect(uploaded.do(patch({ oidc: { jwksJson: jwks(EC_KEY) } }, 'jwksJson')).alert).toBeUndefined();
    expect(providerOf(uploaded)?.keysUpdateTime).toBe(before);
  });

  it('keeps an issuer fetchable while it is asked', () => {
    const denial = made(DISCOVERED).refuse(patch({ oidc: { issuerUri: 'https://10.0.0.1' } }, 'oidc.issuerUri'));
    expect(fieldsOf(denial)).toEqual(['oidc.issuerUri']);
  });
});

describe('options', () => {
  const all: ProviderInput = {
    ...CLUSTER,
    allowedJwksHosts: ['keys.example.com', 'keys.example.com', 'cdn.example.net'],
    maxStale: '0s',
    pushedKeysMaxAge: '3600s',
    newKeyHold: '600s',
    singleUse: true,
    maxTokenLifetime: '3600s',
    tokenReview: { url: 'https://api.example.com', target: 'cluster-api' },
  };

  it('are kept, changed by mask, and return to their defaults', () => {
    const project = made(all);
    expect(providerOf(project)).toMatchObject({
      allowedJwksHosts: ['keys.example.com', 'cdn.example.net'],
      maxStaleSeconds: 0,
      pushedKeysMaxAgeSeconds: 3_600,
      newKeyHoldSeconds: 600,
      singleUse: true,
      tokenReview: { url: 'https://api.example.com', targetId: 'cluster-api' },
    });
    project.do(
      patch({ maxStale: '604800s', tokenReview: { url: 'https://two.example.com' } }, 'maxStale', 'tokenReview.url'),
    );
    expect(providerOf(project)).toMatchObject({
      maxStaleSeconds: 604_800,
      pushedKeysMaxAgeSeconds: 3_600,
      tokenReview: { url: 'https://two.example.com', targetId: 'cluster-api' },
    });
    project.do(patch({}, 'allowedJwksHosts', 'maxStale', 'pushedKeysMaxAge', 'newKeyHold', 'singleUse', 'tokenReview'));
    const bare = providerOf(project);
    expect(bare).toMatchObject({
      allowedJwksHosts: [],
      maxStaleSeconds: 86_400,
      pushedKeysMaxAgeSeconds: 604_800,
      newKeyHoldSeconds: 0,
      singleUse: false,
    });
    expect(bare).not.toHaveProperty('tokenReview');
  });

  const refused: readonly [ProviderInput, string][] = [
    [{ maxStale: '604801s' }, 'maxStale'],
    [{ pushedKeysMaxAge: '3599s' }, 'pushedKeysMaxAge'],
    [{ pushedKeysMaxAge: '2592001s' }, 'pushedKeysMaxAge'],
    [{ newKeyHold: '86401s' }, 'newKeyHold'],
    [{ newKeyHold: '1h' }, 'newKeyHold'],
    [{ singleUse: true }, 'singleUse'],
    [{ singleUse: true, maxTokenLifetime: '3601s' }, 'singleUse'],
    [{ allowedJwksHosts: Array.from({ length: 11 }, (_, index) => `h${index}.example.com`) }, 'allowedJwksHosts'],
    [{ allowedJwksHosts: ['keys.example.com', '10.0.0.1'] }, 'allowedJwksHosts[1]'],
    [{ allowedJwksHosts: ['https://keys.example.com'] }, 'allowedJwksHosts[0]'],
    [{ allowedJwksHosts: ['keys.example.com:8443'] }, 'allowedJwksHosts[0]'],
    [{ allowedJwksHosts: ['metadata.google.internal'] }, 'allowedJwksHosts[0]'],
    [{ allowedJwksHosts: ['localhost'] }, 'allowedJwksHosts[0]'],
    [{ tokenReview: { url: 'https://api.example.com', target: 'nowhere' } }, 'tokenReview.target'],
    [{ tokenReview: { url: 'https://api.example.com' } }, 'tokenReview.target'],
    [{ tokenReview: { target: 'cluster-api' } }, 'tokenReview.url'],
    [{ tokenReview: { url: 'http://127.0.0.1:6443', target: 'cluster-api' } }, 'tokenReview.url'],
    [{ tokenReview: { url: 'https://10.0.0.1:6443', target: 'cluster-api' } }, 'tokenReview.url'],
    [{ tokenReview: { url: 'https://api.example.com/path', target: 'cluster-api' } }, 'tokenReview.url'],
    [{ tokenReview: { url: 'https://sts.example.com', target: 'cluster-api' } }, 'tokenReview.url'],
  ];

  it.each(refused)('%j is refused', (change, field) => {
    expect(fieldsOf(withPool().refuse(create({ ...CLUSTER, ...change })))).toEqual([field]);
  });

  it("of a cluster are not an oidc provider's", () => {
    const tokenReview = { url: 'https://api.example.com', target: 'cluster-api' };
    expect(fieldsOf(withPool().refuse(create({ ...OIDC, tokenReview })))).toEqual(['tokenReview']);
  });

  it('keep each other in bounds: a longer life of tokens ends single use first', () => {
    expect(fieldsOf(made(all).refuse(patch({}, 'maxTokenLifetime')))).toEqual(['singleUse']);
  });

  it('never stand in the way of disabling, although the target is gone', () => {
    const project = made(all);
    project.do({ type: 'target.delete', targetId: 'cluster-api' });
    project.do(patch({ disabled: true }, 'disabled'));
    expect(providerOf(project)?.disabled).toBe(true);
  });
});

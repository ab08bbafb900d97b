/** Providers: every rule of a document, the neighbours in the pool, and patches that are checked as a whole. */
import { describe, expect, it } from 'vitest';
import type { ProviderInput } from '../../../src/core/admin/commands.ts';
import { CLUSTER, EC_KEY, jwks, OIDC, POINTS, RSA_KEY } from '../../support/admin-samples.ts';
import { thumbprintOf } from '../../../src/platform/thumbprint.ts';
import { Administered, fieldsOf, sentencesOf } from '../../support/administer.ts';

const rsaKey = { ...RSA_KEY, kty: 'RSA' } as const;

const BUILT_IN = 'demo.svc.id.goog';

function create(input: ProviderInput, providerId = 'provider-1', poolId = 'my-pool') {
  return { type: 'provider.create', poolId, providerId, input } as const;
}

function patch(input: ProviderInput, ...mask: string[]) {
  return { type: 'provider.patch', poolId: 'my-pool', providerId: 'provider-1', input, mask } as const;
}

function withPool(): Administered {
  const project = new Administered();
  project.do({ type: 'pool.create', poolId: 'my-pool', input: {} });
  return project;
}

const cluster = (changes: object): ProviderInput => ({ kubernetes: { ...CLUSTER.kubernetes, ...changes } });
const oidc = (changes: object): ProviderInput => ({ ...OIDC, oidc: { ...OIDC.oidc, ...changes } });
const without = (input: ProviderInput, kind: 'kubernetes' | 'oidc', member: string): ProviderInput => ({
  ...input,
  [kind]: Object.fromEntries(Object.entries(input[kind] ?? {}).filter(([name]) => name !== member)),
});

describe('provider.create', () => {
  it('makes a cluster, with the defaults', () => {
    const applied = withPool().do(create(CLUSTER));
    expect(applied.answer).toEqual({
      kind: 'provider',
      warnings: [],
      provider: {
        poolId: 'my-pool',
        providerId: 'provider-1',
        uid: 'uid-3-1',
        kind: 'kubernetes',
        ...CLUSTER.kubernetes,
        keySource: 'uploaded',
        keys: [{ ...RSA_KEY, thumbprint: thumbprintOf(rsaKey) }],
        keysUpdateTime: '2026-01-01T00:00:03.000Z',
        distrustedThumbprints: [],
        allowedJwksHosts: [],
        maxStaleSeconds: 86_400,
        pushedKeysMaxAgeSeconds: 604_800,
        newKeyHoldSeconds: 0,
        singleUse: false,
        allowedAudiences: [],
        attributeMapping: {},
        attributeCondition: '',
        allowedAlgorithms: ['RS256', 'ES256'],
        maxTokenLifetimeSeconds: 86_400,
        disabled: false,
        displayName: '',
        description: '',
        createTime: '2026-01-01T00:00:03.000Z',
        updateTime: '2026-01-01T00:00:03.000Z',
      },
    });
    expect(applied.shards).toEqual(['provider:100000000001/my-pool/provider-1']);
  });

  it('makes an oidc provider with everything in it', () => {
    const input: ProviderInput = {
      oidc: { ...OIDC.oidc, allowedAudiences: ['sts.example.com'] },
      attributeMapping: {
        ...OIDC.attributeMapping,
        'google.groups': 'assertion.groups',
        'attribute.team_1': 'assertion.team',
      },
      attributeCondition: "assertion.team == 'blue'",
      allowedAlgorithms: ['ES256', 'ES256', 'RS512'],
      maxTokenLifetime: '600s',
      disabled: true,
      displayName: 'Name',
      description: 'Text',
    };
    expect(withPool().do(create(input)).answer).toMatchObject({
      provider: {
        kind: 'oidc',
        keys: [expect.objectContaining(EC_KEY)],
        allowedAudiences: ['sts.example.com'],
        attributeMapping: input.attributeMapping,
        attributeCondition: "assertion.team == 'blue'",
        allowedAlgorithms: ['ES256', 'RS512'],
        maxTokenLifetimeSeconds: 600,
        disabled: true,
      },
    });
  });

  it.each(['', 'abc', 'gcp-provider', 'a'.repeat(33), 'Provider'])('refuses the id %j', (providerId) => {
    expect(fieldsOf(withPool().refuse(create(CLUSTER, providerId)))).toEqual(['workloadIdentityPoolProviderId']);
  });

  it('refuses unknown pools and a second provider of one id', () => {
    const project = withPool();
    expect(project.refuse(create(CLUSTER, 'provider-1', 'no-pool'))).toMatchObject({ tag: 'not_found' });
    project.do(create(CLUSTER));
    expect(project.refuse(create(cluster({ clusterUri: 'https://two.example.com' })))).toEqual({
      tag: 'already_exists',
      resource: 'projects/100000000001/locations/global/workloadIdentityPools/my-pool/providers/provider-1',
    });
  });

  const refused: readonly [string, ProviderInput, string][] = [
    ['no kind', {}, 'kubernetes'],
    ['two kinds', { ...CLUSTER, ...OIDC }, 'oidc'],
    ['no clusterUri', without(CLUSTER, 'kubernetes', 'clusterUri'), 'kubernetes.clusterUri'],
    ['a clusterUri that is not absolute', cluster({ clusterUri: 'clusters/one' }), 'kubernetes.clusterUri'],
    ['a clusterUri with blanks', cluster({ clusterUri: 'https://a.example/b c' }), 'kubernetes.clusterUri'],
    ['no issuerUri', without(CLUSTER, 'kubernetes', 'issuerUri'), 'kubernetes.issuerUri'],
    ['no issuerUri (oidc)', without(OIDC, 'oidc', 'issuerUri'), 'oidc.issuerUri'],
    ['an http issuer', oidc({ issuerUri: 'http://issuer.example.com' }), 'oidc.issuerUri'],
    ['a loopback issuer', oidc({ issuerUri: 'http://127.0.0.1:9000' }), 'oidc.issuerUri'],
    ['a file issuer', oidc({ issuerUri: 'file:///etc/passwd' }), 'oidc.issuerUri'],
    ['an upper-case scheme', oidc({ issuerUri: 'HTTPS://issuer.example.com' }), 'oidc.issuerUri'],
    ['a user in the issuer', oidc({ issuerUri: 'https://user:pw@issuer.example.com' }), 'oidc.issuerUri'],
    ['an empty user in the issuer', oidc({ issuerUri: 'https://@issuer.example.com' }), 'oidc.issuerUri'],
    ['a query in the issuer', oidc({ issuerUri: 'https://issuer.example.com/?a=b' }), 'oidc.issuerUri'],
    ['an empty query in the issuer', oidc({ issuerUri: 'https://issuer.example.com/?' }), 'oidc.issuerUri'],
    ['a fragment in the issuer', oidc({ issuerUri: 'https://issuer.example.com/#a' }), 'oidc.issuerUri'],
    ['a backslash in the issuer', oidc({ issuerUri: 'https://issuer.example.com\\@evil.example' }), 'oidc.issuerUri'],
    ['a newline in the issuer', oidc({ issuerUri: 'https://issuer.example.com\n' }), 'oidc.issuerUri'],
    ['an issuer without host', oidc({ issuerUri: 'https://' }), 'oidc.issuerUri'],
    ['an endless issuer', oidc({ issuerUri: `https://issuer.example.com/${'a'.repeat(2_000)}` }), 'oidc.issuerUri'],
    [
      'eleven audiences',
      oidc({ allowedAudiences: Array.from({ length: 11 }, (_, i) => `a${i}`) }),
      'oidc.allowedAudiences',
    ],
    ['a long audience', oidc({ allowedAudiences: ['ok', 'a'.repeat(257)] }), 'oidc.allowedAudiences[1]'],
    ['an empty audience', oidc({ allowedAudiences: [''] }), 'oidc.allowedAudiences[0]'],
    [
      "the API server's audience",
      oidc({ allowedAudiences: ['https://kubernetes.default.svc'] }),
      'oidc.allowedAudiences[0]',
    ],
    [
      "the API server's long audience",
      cluster({ allowedAudiences: ['https://kubernetes.default.svc.cluster.local'] }),
      'kubernetes.allowedAudiences[0]',
    ],
    [
      "the cluster's issuer as audience",
      cluster({ issuerUri: 'https://eks.example.com/id', allowedAudiences: ['https://eks.example.com/id'] }),
      'kubernetes.allowedAudiences[0]',
    ],
    ['no keys of an issuer that cannot be asked', without(CLUSTER, 'kubernetes', 'jwksJson'), 'kubernetes.issuerUri'],
    ['an empty key set', cluster({ jwksJson: '' }), 'kubernetes.jwksJson'],
    ['a private key', cluster({ jwksJson: jwks({ ...RSA_KEY, d: 'AQAB' }) }), 'kubernetes.jwksJson'],
    ['a mapping on a cluster', { ...CLUSTER, attributeMapping: OIDC.attributeMapping }, 'attributeMapping'],
    ['no mapping', { oidc: OIDC.oidc }, 'attributeMapping'],
    ['a mapping without subject', { ...OIDC, attributeMapping: { 'attribute.a': 'assertion.a' } }, 'attributeMapping'],
    ['an unknown key', mapped('google.display_name', 'assertion.a'), 'attributeMapping.google.display_name'],
    ['an upper-case key', mapped('attribute.Team', 'assertion.a'), 'attributeMapping.attribute.Team'],
    ['the key __proto__', mapped('attribute.__proto__', 'assertion.a'), 'attributeMapping.attribute.__proto__'],
    [
      'a long key',
      mapped(`attribute.${'a'.repeat(91)}`, 'assertion.a'),
      `attributeMapping.attribute.${'a'.repeat(91)}`,
    ],
    ['an empty expression', mapped('attribute.a', ''), 'attributeMapping.attribute.a'],
    ['a long expression', mapped('attribute.a', `assertion.${'a'.repeat(2_048)}`), 'attributeMapping.attribute.a'],
    ['51 custom attributes', { ...OIDC, attributeMapping: manyAttributes(51) }, 'attributeMapping'],
    ['a long condition', { ...OIDC, attributeCondition: `'${'a'.repeat(4_096)}' == ''` }, 'attributeCondition'],
    ['an unknown algorithm', { ...OIDC, allowedAlgorithms: ['ES256', 'none'] }, 'allowedAlgorithms[1]'],
    ['an HMAC algorithm', { ...OIDC, allowedAlgorithms: ['HS256'] }, 'allowedAlgorithms[0]'],
    ['a short lifetime', { ...OIDC, maxTokenLifetime: '599s' }, 'maxTokenLifetime'],
    ['a long lifetime', { ...OIDC, maxTokenLifetime: '31536001s' }, 'maxTokenLifetime'],
    ['a broken lifetime', { ...OIDC, maxTokenLifetime: '600.5s' }, 'maxTokenLifetime'],
    ['a lifetime without unit', { ...OIDC, maxTokenLifetime: '3600' }, 'maxTokenLifetime'],
    ['a negative lifetime', { ...OIDC, maxTokenLifetime: '-600s' }, 'maxTokenLifetime'],
    ['a long name', { ...OIDC, displayName: 'x'.repeat(33) }, 'displayName'],
    ['a long description', { ...OIDC, description: 'x'.repeat(257) }, 'description'],
  ];

  it.each(refused)('refuses %s', (_name, input, field) => {
    expect(fieldsOf(withPool().refuse(create(input)))).toEqual([field]);
  });

  it('names every fault at once', () => {
    const denial = withPool().refuse(
      create({ ...oidc({ issuerUri: 'ftp://x', jwksJson: '{}' }), displayName: 'x'.repeat(40) }),
    );
    expect(fieldsOf(denial)).toEqual(['oidc.issuerUri', 'oidc.jwksJson', 'displayName']);
  });

  it.each([
    'https://kubernetes.default.svc.cluster.local',
    'https://kubernetes.default.svc',
    'https://10.0.0.1:6443',
    'https://Mixed.Example.com/Path/',
    'https://oidc.eks.eu-west-1.amazonaws.com/id/ABC',
  ])('keeps the issuer %s as it was written', (issuerUri) => {
    expect(withPool().do(create(cluster({ issuerUri }))).answer).toMatchObject({ provider: { issuerUri } });
  });

  it.each(['http://127.0.0.1:9000', 'http://localhost:1', 'http://[::1]:5/a'])(
    'takes %s in development',
    (issuerUri) => {
      withPool().do(create(oidc({ issuerUri })), { loopbackIssuersAllowed: true });
      const denial = withPool().refuse(create(oidc({ issuerUri: 'http://127.0.0.1.example.com' })), {
        loopbackIssuersAllowed: true,
      });
      expect(fieldsOf(denial)).toEqual(['oidc.issuerUri']);
    },
  );

  it('accepts the bounds themselves', () => {
    const project = withPool();
    project.do(create({ ...OIDC, attributeMapping: manyAttributes(50), maxTokenLifetime: '31536000s' }));
    project.do(
      create(
        {
          ...oidc({ allowedAudiences: Array.from({ length: 10 }, (_, i) => `${i}`.repeat(256)) }),
          maxTokenLifetime: '600s',
        },
        'provider-2',
      ),
    );
    expect(project.state.provider('my-pool', 'provider-2')?.allowedAudiences).toHaveLength(10);
  });

  it('passes on what the key set warns of', () => {
    const p384 = { kty: 'EC', kid: 'p384', crv: 'P-384', ...POINTS['P-384'] };
    const { answer } = withPool().do(create(cluster({ jwksJson: jwks(RSA_KEY, { kty: 'OKP' }, p384) })));
    expect(answer).toMatchObject({ warnings: [expect.stringContaining('OKP'), expect.stringContaining('p384')] });
  });
});

describe('the uploaded text', () => {
  it('is not kept: what is given back is made of the keys that are used', () => {
    const pasted = JSON.stringify({
      keys: [
        { ...RSA_KEY, x5c: ['MIIB'] },
        { kty: 'OKP', note: 'secret-1' },
      ],
      client_secret: 'secret-2',
    });
    const project = withPool();
    project.do(create(cluster({ jwksJson: pasted })));
    expect(project.state.provider('my-pool', 'provider-1')?.jwksJson).toBe(jwks(RSA_KEY));
    expect(JSON.stringify(project.state.provider('my-pool', 'provider-1'))).not.toContain('secret');
  });
});

describe('CEL', () => {
  it.each([
    [{ ...OIDC, attributeCondition: "assertion.sub ==\n  'a' &&& true" }, 'attributeCondition: line 2, column '],
    [{ ...OIDC, attributeCondition: 'resource.name == "a"' }, 'attributeCondition: line 1, column '],
    [{ ...OIDC, attributeCondition: '"text"' }, 'attributeCondition: line 1, column '],
    [mapped('google.subject', 'assertion.sub +'), 'attributeMapping.google.subject: line 1, column '],
  ])('is told its fault with the place', (input, beginning) => {
    const said = sentencesOf(withPool().refuse(create(input)));
    expect(said.startsWith(beginning)).toBe(true);
    expect(said).toMatch(/line \d+, column \d+: \S/);
  });
});

describe('issuers that strangers share', () => {
  const SHARED = ['https://token.actions.githubusercontent.com', 'https://gitlab.com', 'https://app.terraform.io'];

  it.each(SHARED)('%s needs a condition over a claim', (issuerUri) => {
    for (const attributeCondition of ['', 'true', '1 < 2']) {
      const denial = withPool().refuse(create({ ...oidc({ issuerUri }), attributeCondition }));
      expect(sentencesOf(denial)).toMatch(
        /^attributeCondition: The attribute condition must reference one of the provider's claims that tell your tenant /,
      );
    }
    for (const attributeCondition of ["assertion.sub == 'a'", "google.subject == 'a'", "attribute.team == 'a'"]) {
      withPool().do(
        create({
          ...oidc({ issuerUri }),
          attributeMapping: { ...OIDC.attributeMapping, 'attribute.team': 'assertion.sub' },
          attributeCondition,
        }),
      );
    }
  });

  it('are known by their host, whatever the path', () => {
    const issuerUri = 'https://token.actions.githubusercontent.com/my-enterprise';
    expect(fieldsOf(withPool().refuse(create(oidc({ issuerUri }))))).toEqual(['attributeCondition']);
  });

  it('do not make others suspicious', () => {
    withPool().do(create(oidc({ issuerUri: 'https://gitlab.com.example.com' })));
    withPool().do(create(oidc({ issuerUri: 'https://gitlab.example.com' })));
  });

  it('keep their condition when patched', () => {
    const project = withPool();
    project.do(
      create({ ...oidc({ issuerUri: 'https://gitlab.com' }), attributeCondition: "assertion.namespace_id == '1'" }),
    );
    expect(
      fieldsOf(project.refuse(patch({ attributeCondition: "assertion.ref == 'main'" }, 'attributeCondition'))),
    ).toEqual(['attributeCondition']);
    expect(fieldsOf(project.refuse(patch({}, 'attributeCondition')))).toEqual(['attributeCondition']);
  });
});

describe('the neighbours in a pool', () => {
  it('are of one sort', () => {
    const clusters = withPool();
    clusters.do(create(CLUSTER));
    expect(clusters.refuse(create(OIDC, 'provider-2'))).toMatchObject({ tag: 'failed_precondition' });
    const others = withPool();
    others.do(create(OIDC));
    expect(others.refuse(create(CLUSTER, 'provider-2'))).toMatchObject({ tag: 'failed_precondition' });
    others.do(create(OIDC, 'provider-2'));
  });

  it('are clusters only in the built-in pool', () => {
    const project = new Administered();
    expect(fieldsOf(project.refuse(create(OIDC, 'provider-1', BUILT_IN)))).toEqual(['oidc']);
    project.do(create(CLUSTER, 'provider-1', BUILT_IN));
  });

  it('have a clusterUri each, and may share an issuer', () => {
    const project = withPool();
    project.do(create(CLUSTER));
    expect(project.refuse(create(CLUSTER, 'provider-2'))).toMatchObject({ tag: 'already_exists' });
    project.do(create(cluster({ clusterUri: 'https://clusters.example.com/two' }), 'provider-2'));
    project.do({ type: 'pool.create', poolId: 'pool-2', input: {} });
    project.do(create(CLUSTER, 'provider-1', 'pool-2'));
  });

  it('are told of sameness when a second cluster joins', () => {
    const project = withPool();
    expect(project.do(create(CLUSTER)).answer).toMatchObject({ warnings: [] });
    const { answer } = project.do(create(cluster({ clusterUri: 'https://clusters.example.com/two' }), 'provider-2'));
    expect(answer).toMatchObject({ warnings: [expect.stringContaining('is one principal')] });
    expect(answer).toMatchObject({ warnings: [expect.stringContaining('provider-2 beside provider-1')] });
  });

  it('are all seen, also where they fill more than one page', () => {
    const project = withPool();
    const uri = (index: number) => `https://clusters.example.com/${index}`;
    for (let index = 0; index < 205; index++)
      project.do(create(cluster({ clusterUri: uri(index) }), `cluster-${index}`));
    for (const index of [0, 99, 100, 204]) {
      expect(project.refuse(create(cluster({ clusterUri: uri(index) }), 'one-more'))).toMatchObject({
        tag: 'already_exists',
      });
    }
    const { answer } = project.do(create(cluster({ clusterUri: uri(300) }), 'one-more'));
    expect(answer).toMatchObject({ warnings: [expect.stringContaining('200 more')] });
  });
});

describe('provider.patch', () => {
  function withCluster(): Administered {
    const project = withPool();
    project.do(
      create({
        ...cluster({ allowedAudiences: ['first'] }),
        attributeCondition: "assertion.sub == 'a'",
        displayName: 'Name',
      }),
    );
    return project;
  }

  it('disables, and changes nothing else', () => {
    const project = withCluster();
    const before = project.state.provider('my-pool', 'provider-1');
    project.do(patch({ disabled: true, displayName: 'not named' }, 'disabled'));
    expect(project.state.provider('my-pool', 'provider-1')).toEqual({
      ...before,
      disabled: true,
      updateTime: '2026-01-01T00:00:04.000Z',
    });
  });

  it.each(['kubernetes.jwksJson', 'jwksJson'])('replaces the keys by the path %s', (path) => {
    const project = withCluster();
    project.do(patch({ kubernetes: { jwksJson: jwks(EC_KEY), issuerUri: 'https://not.named.example' } }, path));
    expect(project.state.provider('my-pool', 'provider-1')).toMatchObject({
      keys: [expect.objectContaining(EC_KEY)],
      jwksJson: jwks(EC_KEY),
      issuerUri: CLUSTER.kubernetes.issuerUri,
      allowedAudiences: ['first'],
    });
  });

  it('replaces the whole of kubernetes, but for the identity of the cluster', () => {
    const project = withCluster();
    project.do(patch({ kubernetes: { issuerUri: 'https://new.example.com', jwksJson: jwks(EC_KEY) } }, 'kubernetes'));
    expect(project.state.provider('my-pool', 'provider-1')).toMatchObject({
      clusterUri: CLUSTER.kubernetes.clusterUri,
      issuerUri: 'https://new.example.com',
      allowedAudiences: [],
    });
  });

  it('returns to the default what is named and absent', () => {
    const project = withCluster();
    project.do(patch({}, 'attributeCondition', 'kubernetes.allowedAudiences', 'displayName', 'maxTokenLifetime'));
    expect(project.state.provider('my-pool', 'provider-1')).toMatchObject({
      attributeCondition: '',
      allowedAudiences: [],
      displayName: '',
      maxTokenLifetimeSeconds: 86_400,
    });
  });

  it('writes nothing where anything is wrong', () => {
    const project = withCluster();
    const before = project.state.provider('my-pool', 'provider-1');
    const denial = project.refuse(
      patch({ disabled: true, attributeCondition: '&&' }, 'disabled', 'attributeCondition'),
    );
    expect(fieldsOf(denial)).toEqual(['attributeCondition']);
    expect(project.state.provider('my-pool', 'provider-1')).toEqual(before);
  });

  it.each([
    ['an unknown path', {}, 'uid', 'updateMask'],
    ['a path of prototypes', {}, '__proto__', 'updateMask'],
    ['an unknown inner path', {}, 'kubernetes.uid', 'updateMask'],
    ['another kind', OIDC, 'oidc', 'oidc'],
    ['another kind from within', OIDC, 'oidc.jwksJson', 'oidc'],
    [
      'a new clusterUri',
      cluster({ clusterUri: 'https://two.example.com' }),
      'kubernetes.clusterUri',
      'kubernetes.clusterUri',
    ],
    [
      'a new clusterUri in the whole',
      cluster({ clusterUri: 'https://two.example.com' }),
      'kubernetes',
      'kubernetes.clusterUri',
    ],
    ['removing the keys of an issuer that cannot be asked', {}, 'jwksJson', 'kubernetes.issuerUri'],
    ['removing the issuer', {}, 'kubernetes.issuerUri', 'kubernetes.issuerUri'],
    ['a mapping', { attributeMapping: OIDC.attributeMapping }, 'attributeMapping', 'attributeMapping'],
  ])('refuses %s', (_name, input, path, field) => {
    expect(fieldsOf(withCluster().refuse(patch(input, path)))).toEqual([field]);
  });

  it('replaces everything by the mask "*", but neither the kind nor the identity of the cluster', () => {
    const project = withCluster();
    const { issuerUri } = CLUSTER.kubernetes;
    const whole = { kubernetes: { issuerUri, jwksJson: jwks(EC_KEY) }, description: 'New' };
    project.do(patch(whole, '*'));
    expect(project.state.provider('my-pool', 'provider-1')).toMatchObject({
      clusterUri: CLUSTER.kubernetes.clusterUri,
      keys: [expect.objectContaining(EC_KEY)],
      allowedAudiences: [],
      attributeCondition: '',
      displayName: '',
      description: 'New',
    });
    expect(fieldsOf(project.refuse(patch(OIDC, '*')))).toEqual(['oidc']);
    expect(fieldsOf(project.refuse(patch(cluster({ clusterUri: 'https://two.example.com' }), '*')))).toEqual([
      'kubernetes.clusterUri',
    ]);
  });

  it('accepts the same clusterUri again', () => {
    withCluster().do(patch(CLUSTER, 'kubernetes.clusterUri'));
  });

  it('refuses what is not there', () => {
    expect(withPool().refuse(patch({ disabled: true }, 'disabled'))).toMatchObject({ tag: 'not_found' });
  });
});

function mapped(key: string, expression: string): ProviderInput {
  return { ...OIDC, attributeMapping: { ...OIDC.attributeMapping, [key]: expression } };
}

function manyAttributes(count: number): Record<string, string> {
  const custom = Array.from({ length: count }, (_, index) => [`attribute.a${index}`, 'assertion.sub']);
  return { 'google.subject': 'assertion.sub', ...Object.fromEntries(custom) };
}

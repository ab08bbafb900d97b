/** Administration: paths, queries and bodies in a row; nothing is told to strangers, nothing is taken that is no strict object, nothing faults. */
import fc from 'fast-check';
import { encode, type Json, oddText, textEdits, valueEdit } from '../mutations.ts';
import { ADMIN_TOKEN, CLUSTERS, POOL, PROJECT } from '../names.ts';
import type { FuzzProperty } from '../property.ts';
import { askOnce, decode, expectAdministration, expectDialect, expectNoFault } from '../speak.ts';

const SEGMENTS = [
  'projects',
  PROJECT,
  'demo',
  'locations',
  'global',
  'workloadIdentityPools',
  'demo.svc.id.goog',
  'providers',
  'cluster-a',
  'targets',
  'storage',
  'roles',
  'reader',
  'signingKeys',
  'organizations',
  '1',
  'token',
  '..',
  '.',
  '',
  '%2e%2e',
  '%2F',
  '%00',
  '%ff',
  '%',
  '*',
  '__proto__',
  '{pool}',
  'a'.repeat(300),
  '-',
  '~',
];
const PATHS = [
  'projects',
  `projects/${PROJECT}`,
  `projects/demo:setIamPolicy`,
  `projects/demo:getIamPolicy`,
  `projects/demo:testIamPermissions`,
  `projects/demo/targets`,
  `projects/demo/targets/storage`,
  `projects/demo/targets/storage:setIamPolicy`,
  'projects/demo/roles',
  'projects/demo/roles/reader',
  ...Object.values(CLUSTERS).map(({ provider }) => provider),
  `${POOL}/providers`,
  POOL,
  'organizations/1:setIamPolicy',
  POOL.replace('/demo.svc.id.goog', ''),
  'projects/demo/signingKeys:rotate',
  `${CLUSTERS.uploaded.provider}:pushKeys`,
  `${CLUSTERS.pushed.provider}:pushKeys`,
  `${CLUSTERS.uploaded.provider}:distrustKey`,
  `${POOL}:denyUids`,
];
const ADMIN_QUERIES = [
  '',
  '',
  '?updateMask=displayName',
  '?updateMask=*',
  '?updateMask=disabled,displayName',
  '?targetId=t-two',
  '?workloadIdentityPoolId=pool-two',
  '?workloadIdentityPoolProviderId=ci-two',
  '?pageSize=1',
  '?pageSize=-1',
  '?pageToken=cGFnZQ',
  '?x=1',
  '?updateMask=a&updateMask=b',
  '?alt=json',
  '?%00',
  '?pageSize=1e9',
];
const DOCUMENTS: readonly Json[] = [
  {},
  { displayName: 'x', description: 'y', disabled: true },
  { projectId: 'another', projectNumber: '100000000002', displayName: 'x' },
  { uri: 'https://two.example.com', tags: { a: 'b' }, maxLifetime: '600s', allowedScopes: ['read'], tokenType: 'JWT' },
  { roleId: 'writer', role: { title: 'x', includedPermissions: ['storage.objects.create'], stage: 'GA' } },
  {
    policy: {
      version: 3,
      bindings: [
        { role: 'projects/demo/roles/reader', members: ['principalSet://x'], condition: { expression: 'true' } },
      ],
    },
  },
  {
    policy: {
      bindings: [
        {
          role: 'projects/demo/roles/reader',
          members: [`principalSet://iam.googleapis.com/${POOL}/*`],
        },
      ],
    },
  },
  {
    kubernetes: { clusterUri: 'https://c.example', issuerUri: CLUSTERS.uploaded.issuerUri, jwksJson: '{"keys":[]}' },
    maxTokenLifetime: '600s',
  },
  {
    oidc: { issuerUri: 'https://ci.example.com', jwksJson: '{}' },
    attributeMapping: { 'google.subject': 'assertion.sub' },
    attributeCondition: 'true',
  },
  { permissions: ['iam.workloadIdentityPools.get'] },
  { alg: 'RS256', emergency: true },
  { uids: ['7c1b4f2e-0000-4000-8000-000000000001'], until: '2027-01-15T09:00:00Z' },
  { thumbprint: 'NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs' },
];
const DOCUMENT_PATHS = [
  'displayName',
  'description',
  'disabled',
  'projectId',
  'uri',
  'tags',
  'maxLifetime',
  'role',
  'roleId',
  'policy',
  'oidc',
  'kubernetes',
  'attributeMapping',
  'attributeCondition',
  'permissions',
  'emergency',
  'etag',
  'uids',
  'until',
  'thumbprint',
  '__proto__',
  'constructor',
]
  .map((one) => [one])
  .concat(
    ['version', 'bindings', 'etag'].map((one) => ['policy', one]),
    ['issuerUri', 'jwksJson', 'allowedAudiences'].map((one) => ['oidc', one]),
    ['issuerUri', 'jwksJson', 'clusterUri'].map((one) => ['kubernetes', one]),
  );

const DISCOVERED = {
  kubernetes: { clusterUri: 'https://two.example.net', issuerUri: 'https://two.example.net' },
  maxStale: '3600s',
};

/** Calls that are taken as they stand: changed a little they come further than calls that never fitted. */
const RIGHT_CALLS: readonly (readonly [string, string, Json])[] = [
  ['POST', 'projects', { projectId: 'another', projectNumber: '100000000002', displayName: 'x' }],
  [
    'PATCH',
    'projects/demo?updateMask=displayName,tokenExchangesPerMinute',
    { displayName: 'x', tokenExchangesPerMinute: 60 },
  ],
  [
    'POST',
    'projects/demo/targets?targetId=t-two',
    { uri: 'https://two.example.com', tags: { a: 'b' }, maxLifetime: '600s' },
  ],
  [
    'PATCH',
    'projects/demo/targets/storage?updateMask=displayName,allowedScopes',
    { displayName: 'x', allowedScopes: ['read'] },
  ],
  [
    'POST',
    'projects/demo/roles',
    { roleId: 'writer', role: { includedPermissions: ['storage.objects.create'], stage: 'GA' } },
  ],
  ['POST', `projects/demo/targets/storage:setIamPolicy`, { policy: { bindings: [] } }],
  ['POST', `projects/demo:getIamPolicy`, {}],
  ['POST', `projects/demo:testIamPermissions`, { permissions: ['iam.workloadIdentityPools.get'] }],
  ['POST', `${POOL.replace('/demo.svc.id.goog', '')}?workloadIdentityPoolId=pool-two`, { displayName: 'x' }],
  ['PATCH', `${POOL}?updateMask=description`, { description: 'x' }],
  ['POST', `${POOL}/providers?workloadIdentityPoolProviderId=ci-two`, DISCOVERED],
  [
    'PATCH',
    `${CLUSTERS.singleUse.provider}?updateMask=singleUse,maxTokenLifetime`,
    { singleUse: true, maxTokenLifetime: '600s' },
  ],
  ['POST', 'projects/demo/signingKeys:rotate', { alg: 'RS256', emergency: true }],
  ['POST', `${POOL}:denyUids`, { uids: ['7c1b4f2e-0000-4000-8000-000000000001'], until: '2027-01-15T09:00:00Z' }],
  ['POST', `${CLUSTERS.discovery.provider}:distrustKey`, { thumbprint: 'NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs' }],
];

const documentEdits = fc.array(valueEdit(DOCUMENT_PATHS), { maxLength: 2 });
const bodyOf = (document: Json, edits: readonly ((one: Json) => Json)[]) =>
  encode(edits.reduce<Json>((one, edit) => edit(one), document));

const nearlyRight = fc
  .tuple(fc.constantFrom(...RIGHT_CALLS), documentEdits, textEdits)
  .map(([[method, path, document], edits, textual]) => ({
    method,
    path: path.replace(/\?.*/, ''),
    query: /\?.*/.exec(path)?.[0] ?? '',
    body: textual(bodyOf(document, edits)),
  }));

const anyCall = fc.record({
  method: fc.constantFrom('GET', 'POST', 'POST', 'PATCH', 'PATCH', 'DELETE', 'PUT', 'OPTIONS', 'HEAD'),
  path: fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom(...PATHS) },
    {
      weight: 1,
      arbitrary: fc.array(fc.constantFrom(...SEGMENTS), { maxLength: 9 }).map((segments) => segments.join('/')),
    },
    {
      weight: 1,
      arbitrary: fc
        .tuple(fc.constantFrom(...PATHS), oddText)
        .map(([path, odd]) => `${path}/${encodeURIComponent(odd)}`),
    },
    {
      weight: 1,
      arbitrary: fc
        .tuple(fc.constantFrom(...PATHS), fc.constantFrom(':', ':x', ':setIamPolicy', ':rotate'))
        .map(([path, verb]) => path + verb),
    },
  ),
  query: fc.constantFrom(...ADMIN_QUERIES),
  body: fc
    .tuple(fc.constantFrom(...DOCUMENTS), documentEdits, textEdits)
    .map(([document, edits, textual]) => textual(bodyOf(document, edits))),
});

const caller = fc.record({
  authorized: fc.oneof({ weight: 9, arbitrary: fc.constant(true) }, { weight: 1, arbitrary: fc.constant(false) }),
  authorization: fc.constantFrom(
    '',
    'Bearer',
    'Bearer x',
    `bearer ${ADMIN_TOKEN}`,
    `Basic ${ADMIN_TOKEN}`,
    `Bearer ${ADMIN_TOKEN}x`,
  ),
});

const adminCall = fc
  .tuple(fc.oneof({ weight: 2, arbitrary: anyCall }, { weight: 1, arbitrary: nearlyRight }), caller)
  .map(([call, by]) => ({ ...call, ...by }));

export const administration: FuzzProperty = {
  name: 'administration: paths, queries and bodies, in a row',
  share: 10,
  check: (world, tally, options) =>
    fc.assert(
      fc.asyncProperty(fc.array(adminCall, { minLength: 1, maxLength: 5 }), async (calls) => {
        await world.reset();
        for (const { method, path, query, authorized, authorization, body } of calls) {
          const bearer = authorized ? `Bearer ${ADMIN_TOKEN}` : authorization;
          const headers = { 'content-type': 'application/json', ...(bearer === '' ? {} : { authorization: bearer }) };
          const hasBody = method !== 'GET' && method !== 'HEAD';
          const url = new URL(`http://x/v1/${path}${query}`);
          const at = url.pathname + url.search;
          const answer = await askOnce(world, at, { method, headers, ...(hasBody ? { body } : {}) }, tally);
          const said = `${method} ${at} ${hasBody ? decode(body) : ''}`;
          // Workloads come here, with tokens of their own; in this property nobody has one.
          const pushes = /^\/v1\/projects\/[^/]+\/locations\/global\/.*:pushKeys$/.test(url.pathname);
          if (pushes) expectAdministration(answer, method, 'workload', body, said);
          else if (!url.pathname.startsWith('/v1/') || /^\/v1\/token(\/|$)/.test(url.pathname))
            expectDialect(answer, said, method);
          else
            expectAdministration(
              answer,
              method,
              authorized ? 'administrator' : 'stranger',
              hasBody ? body : new Uint8Array(),
              said,
            );
        }
        expectNoFault(world, JSON.stringify(calls.map(({ method, path }) => `${method} ${path}`)));
      }),
      options,
    ),
};

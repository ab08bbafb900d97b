/**
 * The properties: whatever comes in, what goes out is a refusal in the right dialect or a grant that a second opinion (`oracle.ts`) agrees
 * with; never a 5xx, never a throw, never a long wait. Tokens, forms and JSON bodies are granted exactly when the oracle says so.
 */
import fc from 'fast-check';
import { base64Url, workloadClaims } from '../support/issuer.ts';
import { encode, type Json, oddText, oddValue, textEdits, valueEdit } from './mutations.ts';
import { isStrictObject, subjectOf } from './oracle.ts';
import { ADMIN_TOKEN, AUDIENCE, ISSUER_URI, NOW_SECONDS, PROJECT, PROVIDER, TARGET_URI, type World } from './world.ts';

export interface Tally {
  cases: number;
  granted: number;
  refused: number;
}

export interface RunOptions {
  readonly numRuns: number;
  readonly seed: number;
  readonly endOnFailure: boolean;
}

export interface FuzzProperty {
  readonly name: string;
  /** Of all cases, how many in a hundred. */
  readonly share: number;
  readonly check: (world: World, tally: Tally, options: RunOptions) => Promise<void>;
}

const SUBJECT = 'ns/shop/sa/checkout';
const GRANT_TYPE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const TOKEN_TYPE = 'urn:ietf:params:oauth:token-type:';
const SLOW_MS = 2_000;

const CLAIMS = workloadClaims({
  issuerUri: ISSUER_URI,
  audience: `https:${AUDIENCE}`,
  issuedAtSeconds: NOW_SECONDS - 10,
}) as Json;

const CLAIM_PATHS = [
  ['iss'],
  ['sub'],
  ['aud'],
  ['exp'],
  ['iat'],
  ['nbf'],
  ['jti'],
  ['kubernetes.io'],
  ['__proto__'],
  ['extra'],
  ['kubernetes.io', 'namespace'],
  ['kubernetes.io', 'serviceaccount'],
  ['kubernetes.io', 'serviceaccount', 'name'],
  ['kubernetes.io', 'serviceaccount', 'uid'],
  ['kubernetes.io', 'pod'],
  ['kubernetes.io', 'pod', 'name'],
  ['kubernetes.io', 'pod', 'uid'],
  ['kubernetes.io', 'node'],
  ['kubernetes.io', 'node', 'name'],
  ['kubernetes.io', 'node', 'uid'],
  ['kubernetes.io/serviceaccount/namespace'],
];
const HEADER_PATHS = ['alg', 'kid', 'typ', 'x5t', 'x5t#S256', 'jwk', 'jku', 'crit', 'b64', '__proto__'].map((name) => [
  name,
]);

type Signature = 'right' | 'flipped' | 'of another text' | 'respelled' | 'none' | 'zeros' | 'padded';

const tokens: FuzzProperty = {
  name: 'tokens with changed headers and payloads, signed again',
  share: 40,
  check: (world, tally, options) =>
    fc.assert(
      fc.asyncProperty(
        fc.record({
          headerEdits: fc.array(valueEdit(HEADER_PATHS), { maxLength: 1 }),
          claimEdits: fc.array(valueEdit(CLAIM_PATHS), { maxLength: 2 }),
          headerText: fc.oneof(
            { weight: 3, arbitrary: fc.constant((bytes: Uint8Array<ArrayBuffer>) => bytes) },
            { weight: 1, arbitrary: textEdits },
          ),
          payloadText: textEdits,
          signature: fc.oneof(
            { weight: 8, arbitrary: fc.constant<Signature>('right') },
            {
              weight: 1,
              arbitrary: fc.constantFrom<Signature>(
                'flipped',
                'of another text',
                'respelled',
                'none',
                'zeros',
                'padded',
              ),
            },
          ),
        }),
        async ({ headerEdits, claimEdits, headerText, payloadText, signature }) => {
          const good: Json = { alg: 'ES256', kid: world.issuer.kid };
          const header = headerText(encode(headerEdits.reduce<Json>((document, edit) => edit(document), good)));
          const payload = payloadText(encode(claimEdits.reduce<Json>((document, edit) => edit(document), CLAIMS)));
          const token = respelled(await world.issuer.signText(header, payload), signature);
          const expected = {
            kid: world.issuer.kid,
            issuerUri: ISSUER_URI,
            audiences: [AUDIENCE, `https:${AUDIENCE}`],
            nowSeconds: NOW_SECONDS,
          };
          const fits = header.length > 0 && payload.length > 0 && token.length <= 16_384 && signature === 'right';
          const subject = fits ? subjectOf(header, payload, expected) : undefined;
          const form = new URLSearchParams(rightRequest(token));
          const answer = await ask(world, '/v1/token', { method: 'POST', body: form }, tally);
          expectExchange(world, answer, subject, `${decode(header)} . ${decode(payload)} . ${signature}`);
        },
      ),
      options,
    ),
};

function respelled(token: string, how: Signature): string {
  const at = token.lastIndexOf('.') + 1;
  const [input, signature] = [token.slice(0, at), token.slice(at)];
  const last = signature.at(-1) ?? '';
  switch (how) {
    case 'right':
      return token;
    case 'flipped':
      return `${input}${signature.startsWith('A') ? 'B' : 'A'}${signature.slice(1)}`;
    case 'of another text':
      return `${base64Url('{"alg":"ES256","kid":"fuzz-key","typ":"JWT"}')}${input.slice(input.indexOf('.'))}${signature}`;
    case 'respelled':
      return `${token.slice(0, -1)}${String.fromCharCode(last.charCodeAt(0) + 1)}`;
    case 'none':
      return input;
    case 'zeros':
      return `${input}${base64Url(new Uint8Array(64))}`;
    case 'padded':
      return `${token}==`;
  }
}

const NAMES = [
  'grant_type',
  'audience',
  'scope',
  'requested_token_type',
  'subject_token',
  'subject_token_type',
  'options',
  'resource',
  'actor_token',
  'actor_token_type',
];
const VALUES = [
  GRANT_TYPE,
  AUDIENCE,
  `https:${AUDIENCE}`,
  TARGET_URI,
  `${TOKEN_TYPE}jwt`,
  `${TOKEN_TYPE}id_token`,
  `${TOKEN_TYPE}access_token`,
  `${TOKEN_TYPE}saml2`,
  '{}',
  '%7B%7D',
  '{"userProject":"x"}',
  '{"accessBoundary":{}}',
  '{"a":1,"a":2}',
  'read write',
  'openid',
  'a"b',
  PROVIDER,
];
const name = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.constantFrom(...NAMES, 'grantType', 'subjectToken', 'subjectTokenType', 'requestedTokenType'),
  },
  {
    weight: 1,
    arbitrary: fc.oneof(
      oddText,
      fc.constantFrom('Grant_Type', 'SUBJECT_TOKEN', 'subject_to\u212aen', 'audience[]', 'x'),
    ),
  },
);
const value = fc.oneof({ weight: 3, arbitrary: fc.constantFrom(...VALUES) }, { weight: 1, arbitrary: oddText });

/** One change to the list of parameters. */
const parameterEdit = fc
  .tuple(fc.constantFrom('set', 'add', 'remove', 'double', 'token blank'), name, value, fc.nat(20))
  .map(([how, key, text, at]) => (pairs: readonly Pair[]): readonly Pair[] => {
    switch (how) {
      case 'set':
        return [...pairs.filter(([one]) => one !== key), [key, text]];
      case 'add':
        return [...pairs.slice(0, at), [key, text], ...pairs.slice(at)];
      case 'remove':
        return pairs.filter((_, index) => index !== at % pairs.length);
      case 'double':
        return [...pairs, ...pairs.slice(at % pairs.length, (at % pairs.length) + 1)];
      default:
        return pairs.map(([one, said]) => [one, one === 'subject_token' ? ` ${String(said)}\n` : said] as const);
    }
  });

type Pair = readonly [string, unknown];

const FORM_TYPES = ['application/x-www-form-urlencoded', 'Application/X-WWW-Form-Urlencoded; charset=UTF-8'];
const JSON_TYPES = ['application/json', 'APPLICATION/JSON; charset=utf-8'];
const OTHER_TYPES = [
  'text/plain',
  'multipart/form-data; boundary=x',
  'application/json5',
  '',
  'application/x-www-form-urlencoded2',
];
const QUERIES = [
  '',
  '?x=1',
  '?',
  '?subject_token=x',
  '?%73ubjectToken=1',
  '?access_token=1',
  '?q=eyJhbGciOiJ9.eyJzdWIiOiJ9.c2ln',
];
const usually = <T>(often: readonly T[], rarely: readonly T[]): fc.Arbitrary<T> =>
  fc.oneof({ weight: 9, arbitrary: fc.constantFrom(...often) }, { weight: 1, arbitrary: fc.constantFrom(...rarely) });

const forms: FuzzProperty = {
  name: 'forms',
  share: 25,
  check: (world, tally, options) =>
    fc.assert(
      fc.asyncProperty(
        fc.array(parameterEdit, { maxLength: 3 }),
        usually(FORM_TYPES, OTHER_TYPES),
        usually(QUERIES.slice(0, 3), QUERIES.slice(3)),
        fc.oneof({ weight: 5, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: textEdits }),
        async (edits, type, query, textual) => {
          const token = await rightToken(world);
          const start: readonly Pair[] = Object.entries(rightRequest(token));
          const pairs = edits.reduce((all, edit) => edit(all), start);
          const body = new TextEncoder().encode(
            pairs.map(([key, text]) => `${encodeURIComponent(key)}=${encodeURIComponent(String(text))}`).join('&'),
          );
          const sent = textual?.(body) ?? body;
          const init = { method: 'POST', headers: type === '' ? {} : { 'content-type': type }, body: sent };
          const answer = await ask(world, `/v1/token${query}`, init, tally);
          const typed = FORM_TYPES.includes(type) && QUERIES.indexOf(query) < 3;
          const grantable = typed && mayBeGranted(pairs, token);
          // Once its bytes were changed a form may mean anything; then a grant must still be this token's.
          if (textual !== undefined && sent !== body)
            expectExchange(world, answer, answer.status === 200 && typed ? SUBJECT : undefined, decode(sent));
          else expectExchange(world, answer, grantable ? SUBJECT : undefined, decode(sent));
        },
      ),
      options,
    ),
};

const jsonBodies: FuzzProperty = {
  name: 'JSON bodies of token requests',
  share: 25,
  check: (world, tally, options) =>
    fc.assert(
      fc.asyncProperty(
        fc.array(parameterEdit, { maxLength: 2 }),
        fc.array(fc.tuple(name, oddValue), { maxLength: 1 }),
        fc.boolean(),
        textEdits,
        usually(JSON_TYPES, OTHER_TYPES),
        async (edits, odd, camel, textual, type) => {
          const token = await rightToken(world);
          const start: readonly Pair[] = Object.entries(rightRequest(token));
          const pairs = [...edits.reduce((all, edit) => edit(all), start), ...odd];
          const spelled = pairs.map(
            ([key, said]) => `${JSON.stringify(camel ? camelCase(key) : key)}:${JSON.stringify(said)}`,
          );
          const body = textual(new TextEncoder().encode(`{${spelled.join(',')}}`));
          const init = { method: 'POST', headers: type === '' ? {} : { 'content-type': type }, body };
          const answer = await ask(world, '/v1/token', init, tally);
          const members = isStrictObject(body);
          const read: Pair[] = [...(members ?? [])].map(([key, said]) => [snakeCase(key), said]);
          const grantable =
            members !== undefined && JSON_TYPES.includes(type) && body.length <= 65_536 && mayBeGranted(read, token);
          expectExchange(world, answer, grantable ? SUBJECT : undefined, decode(body));
        },
      ),
      options,
    ),
};

/** The rules of CONTRACT for the parameters, said once more. An empty value is none, and so is null in JSON. */
function mayBeGranted(pairs: readonly Pair[], token: string): boolean {
  const given = pairs.filter(([key]) => NAMES.includes(key));
  if (new Set(given.map(([key]) => key)).size !== given.length) return false;
  const present = given.filter(([, said]) => said !== '' && said !== null);
  if (present.some(([, said]) => typeof said !== 'string' || said.includes('\ufffd'))) return false;
  const all = new Map(present.map(([key, said]) => [key, String(said)]));
  const types = ['jwt', 'id_token'].map((one) => TOKEN_TYPE + one);
  return (
    all.get('grant_type') === GRANT_TYPE &&
    all.get('subject_token')?.trim() === token &&
    types.includes(all.get('subject_token_type') ?? '') &&
    [...types, `${TOKEN_TYPE}access_token`].includes(all.get('requested_token_type') ?? `${TOKEN_TYPE}jwt`) &&
    (all.get('audience') ?? AUDIENCE) === AUDIENCE &&
    (all.get('resource') ?? TARGET_URI) === TARGET_URI &&
    !all.has('actor_token') &&
    !all.has('actor_token_type') &&
    [...(all.get('scope') ?? '')].every(
      (letter) => letter >= ' ' && letter <= '~' && letter !== '"' && letter !== '\\',
    ) &&
    (all.get('scope') ?? '').length <= 4_096 &&
    optionsAreHarmless(all.get('options'))
  );
}

function optionsAreHarmless(options: string | undefined): boolean {
  if (options === undefined) return true;
  const plain = isStrictObject(new TextEncoder().encode(options));
  const members =
    plain ??
    (options.includes('%7B') ? isStrictObject(new TextEncoder().encode(decodeURIComponent(options))) : undefined);
  return members !== undefined && !members.has('accessBoundary');
}

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
  PROVIDER,
  PROVIDER.replace('/cluster-a', ''),
  PROVIDER.replace('/providers/cluster-a', ''),
  'organizations/1:setIamPolicy',
  PROVIDER.replace('/demo.svc.id.goog/providers/cluster-a', ''),
  'projects/demo/signingKeys:rotate',
  `${PROVIDER}:pushKeys`,
  `${PROVIDER}:distrustKey`,
  `${PROVIDER.replace('/providers/cluster-a', '')}:denyUids`,
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
          members: [`principalSet://iam.googleapis.com/${PROVIDER.replace('/providers/cluster-a', '')}/*`],
        },
      ],
    },
  },
  {
    kubernetes: { clusterUri: 'https://c.example', issuerUri: ISSUER_URI, jwksJson: '{"keys":[]}' },
    maxTokenLifetime: '600s',
  },
  {
    oidc: { issuerUri: 'https://ci.example.com', jwksJson: '{}' },
    attributeMapping: { 'google.subject': 'assertion.sub' },
    attributeCondition: 'true',
  },
  { permissions: ['iam.workloadIdentityPools.get'] },
  { alg: 'RS256', emergency: true },
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
  '__proto__',
  'constructor',
]
  .map((one) => [one])
  .concat(
    ['version', 'bindings', 'etag'].map((one) => ['policy', one]),
    ['issuerUri', 'jwksJson', 'allowedAudiences'].map((one) => ['oidc', one]),
    ['issuerUri', 'jwksJson', 'clusterUri'].map((one) => ['kubernetes', one]),
  );

const adminCall = fc.record({
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
  authorized: fc.oneof({ weight: 9, arbitrary: fc.constant(true) }, { weight: 1, arbitrary: fc.constant(false) }),
  authorization: fc.constantFrom(
    '',
    'Bearer',
    'Bearer x',
    `bearer ${ADMIN_TOKEN}`,
    `Basic ${ADMIN_TOKEN}`,
    `Bearer ${ADMIN_TOKEN}x`,
  ),
  body: fc
    .tuple(fc.constantFrom(...DOCUMENTS), fc.array(valueEdit(DOCUMENT_PATHS), { maxLength: 2 }), textEdits)
    .map(([document, edits, textual]) => textual(encode(edits.reduce<Json>((one, edit) => edit(one), document)))),
});

const administration: FuzzProperty = {
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
          const answer = await ask(world, at, { method, headers, ...(hasBody ? { body } : {}) }, tally);
          const said = `${method} ${at} ${hasBody ? decode(body) : ''}`;
          // Workloads come here, with tokens of their own; nobody in this world has one.
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

export const PROPERTIES: readonly FuzzProperty[] = [tokens, forms, jsonBodies, administration];

interface Heard {
  readonly status: number;
  readonly text: string;
  readonly type: string;
}

/** Sends it; a machine that many share may be slow once, not twice in a row at the same request. */
async function ask(world: World, path: string, init: RequestInit, tally: Tally): Promise<Heard> {
  const startMs = performance.now();
  let heard = await hear(world, path, init);
  if (performance.now() - startMs > SLOW_MS) {
    const againMs = performance.now();
    heard = await hear(world, path, init);
    if (performance.now() - againMs > SLOW_MS) throw new Error(`${path} took more than ${SLOW_MS} ms, twice`);
  }
  tally.cases += 1;
  if (heard.status === 200) tally.granted += 1;
  else tally.refused += 1;
  return heard;
}

async function hear(world: World, path: string, init: RequestInit): Promise<Heard> {
  const answer = await world.send(path, init);
  return { status: answer.status, text: await answer.text(), type: answer.headers.get('content-type') ?? '' };
}

function expectExchange(world: World, answer: Heard, subject: string | undefined, said: string): void {
  expectNoFault(world, said);
  if (answer.status !== 200) {
    expectDialect(answer, said);
    if (subject !== undefined) throw new Error(`refused, though it is ${subject}: ${answer.text} ${said}`);
    return;
  }
  const { access_token: minted = '' } = JSON.parse(answer.text) as { readonly access_token?: string };
  const { sub } = JSON.parse(Buffer.from(minted.split('.')[1] ?? '', 'base64url').toString()) as {
    readonly sub?: string;
  };
  if (subject === undefined || sub !== subject) throw new Error(`granted to ${sub}, not to ${subject}: ${said}`);
}

const ERRORS = [
  'invalid_request',
  'invalid_grant',
  'invalid_target',
  'invalid_scope',
  'unauthorized_client',
  'unsupported_grant_type',
];

/** RFC 6749 §5.2, with the status codes of CONTRACT for what is no token request at all. */
function expectDialect(answer: Heard, said: string, method = 'POST'): void {
  const { error, error_description: text } = parsed(answer.text);
  const isRefusal = [400, 404, 405, 413, 415].includes(answer.status);
  if (method === 'HEAD' && isRefusal) return;
  const fits = isRefusal && ERRORS.includes(String(error)) && typeof text === 'string';
  if (!fits || !answer.type.includes('application/json'))
    throw new Error(`${answer.status} ${answer.text} for ${said}`);
}

/** google.rpc.Status; a grant only to who may, and for a body that is strict JSON. */
function expectAdministration(
  answer: Heard,
  method: string,
  caller: 'administrator' | 'stranger' | 'workload',
  body: Uint8Array,
  said: string,
): void {
  const why = (what: string): Error => new Error(`${what}: ${answer.status} ${answer.text} for ${said}`);
  if (caller === 'stranger' && answer.status !== 401) throw why('a stranger was answered');
  if (caller === 'workload' && answer.status === 200) throw why('a push without a push token');
  if (answer.status === 200) {
    const reads = method === 'GET' || method === 'HEAD' || method === 'DELETE';
    if (!reads && body.length > 0 && isStrictObject(body) === undefined)
      throw why('taken, though it is no strict object');
    return;
  }
  if (method === 'HEAD') return;
  const error = parsed(answer.text)['error'] as
    | { readonly code?: unknown; readonly status?: unknown; readonly message?: unknown }
    | undefined;
  const fits = answer.status >= 400 && answer.status < 500 && error?.code === answer.status;
  if (!fits || typeof error?.status !== 'string' || typeof error.message !== 'string') throw why('not in its dialect');
}

function expectNoFault(world: World, said: string): void {
  const [fault] = world.faults;
  if (fault !== undefined) throw new Error(`${fault} after ${said}`);
}

function parsed(text: string): Readonly<Record<string, unknown>> {
  try {
    return JSON.parse(text) as Readonly<Record<string, unknown>>;
  } catch {
    return {};
  }
}

function rightRequest(token: string): Record<string, string> {
  return {
    grant_type: GRANT_TYPE,
    audience: AUDIENCE,
    scope: 'https://www.googleapis.com/auth/cloud-platform',
    requested_token_type: `${TOKEN_TYPE}access_token`,
    subject_token: token,
    subject_token_type: `${TOKEN_TYPE}jwt`,
  };
}

const made = new WeakMap<World, Promise<string>>();
function rightToken(world: World): Promise<string> {
  const known = made.get(world) ?? world.issuer.sign(CLAIMS as object);
  made.set(world, known);
  return known;
}

function camelCase(key: string): string {
  return key.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
function snakeCase(key: string): string {
  return key.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
function decode(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes).slice(0, 2_000);
}

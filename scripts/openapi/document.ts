/** The tables of routes, what is said of each, and the schemas → one OpenAPI 3.1 document. */
import * as credentials from '../../src/protocols/iam-credentials/schemas.ts';
import { METRICS_NEEDS, METRICS_PATH } from '../../src/protocols/iam-admin/metrics-route.ts';
import { LOOKS_AT_CALLER, type Needs } from '../../src/protocols/iam-admin/needs.ts';
import { status } from '../../src/protocols/iam-admin/answer-schemas.ts';
import { awsVerified } from '../../src/protocols/aws-sts/answer-schemas.ts';
import { awsVerifyInput } from '../../src/protocols/aws-sts/schemas.ts';
import { AWS_VERIFY_PATH } from '../../src/protocols/aws-sts/verify-route.ts';
import { token, tokenError, tokenRequest } from '../../src/protocols/google-sts/schemas.ts';
import { ready, unready } from '../../src/protocols/health/schemas.ts';
import { CONFIGURATION_SCHEMA_PATH } from '../../src/protocols/configuration-schema/route.ts';
import { OPENAPI_PATH } from '../../src/protocols/openapi/route.ts';
import { discovery, jwks } from '../../src/protocols/well-known/schemas.ts';
import { routesOf } from '../../test/support/admin-rest.ts';
import type * as v from 'valibot';
import * as tokenCare from '../../src/protocols/token-care/schemas.ts';
import { componentSchemas, refTo } from './components.ts';
import { OPERATIONS } from './operations.ts';

interface Documented {
  readonly method: string;
  /** With its version, if it has one. */
  readonly path: string;
  readonly operation: object;
}

const PUSH = 'POST v1 projects/{project}/locations/global/workloadIdentityPools/{pool}/providers/{provider}:pushKeys';
const ISSUER = '{projectNumber}/{poolId}';
/** Of a project's service accounts. */
const ACCOUNTS = '{projectNumber}';

export function openApiDocument(version: string): object {
  const all = [...PUBLIC, ...CREDENTIALS, ...TOKEN_CARE, ...administration()];
  const parameters = new Set(all.flatMap(({ path }) => pathParameters(path)));
  const queries = new Set(tables().flatMap(({ query }) => query));
  const both = [...queries].filter((name) => parameters.has(name));
  if (both.length > 0) throw new Error(`of one name in paths and queries: ${both.join(', ')}`);
  return {
    openapi: '3.1.0',
    info: {
      title: 'edge-sts',
      version,
      description:
        'A Security Token Service. Paths, members and errors follow Google’s STS and IAM where Google has them. An unknown member or parameter of a request is refused; answers may get more members. What was read may be sent back: what only the broker writes is ignored.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    security: [{ bearer: [] }],
    paths: pathsOf(all),
    components: {
      securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } },
      parameters: Object.fromEntries([
        ...[...parameters].map((name) => [name, { name, in: 'path', required: true, schema: { type: 'string' } }]),
        ...[...queries].map((name) => [name, { name, in: 'query', schema: { type: 'string' } }]),
      ]),
      responses: {
        Status: { description: 'Refused', content: json(refTo(status)) },
        Error: { description: 'Refused', content: json(refTo(tokenError)) },
      },
      schemas: componentSchemas(),
    },
  };
}

function pathsOf(all: readonly Documented[]): Readonly<Record<string, object>> {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const { method, path, operation } of all) {
    const names = pathParameters(path);
    const item = (paths[`/${path}`] ??= names.length === 0 ? {} : { parameters: names.map(parameter) });
    item[method.toLowerCase()] = operation;
  }
  return paths;
}

interface Row {
  readonly key: string;
  readonly query: readonly string[];
  readonly needs: Needs | undefined;
}

function tables(): readonly Row[] {
  const { v1, v2 } = routesOf();
  return [
    ...[...v1.map((route) => ({ version: 'v1', route })), ...v2.map((route) => ({ version: 'v2', route }))].map(
      ({ version, route: { method, path, query = [], needs } }) => ({
        key: `${method} ${version} ${path}`,
        query,
        needs,
      }),
    ),
    { key: PUSH, query: [], needs: undefined },
  ];
}

function administration(): readonly Documented[] {
  const rows = tables();
  const left = new Set(Object.keys(OPERATIONS));
  const documented = rows.map(({ key, query, needs }) => {
    const described = OPERATIONS[key];
    if (described === undefined) throw new Error(`nothing is said of the route ${key}`);
    left.delete(key);
    const [method = '', version = '', path = ''] = key.split(' ');
    return {
      method,
      path: `${version}/${path}`,
      operation: {
        operationId: operationId(method, version, path),
        summary: described.summary,
        ...(needs === undefined || needs === LOOKS_AT_CALLER ? {} : { description: `Needs ${needs.permission}.` }),
        ...(query.length === 0 ? {} : { parameters: query.map(parameter) }),
        ...(described.body === undefined ? {} : { requestBody: { content: json(refTo(described.body)) } }),
        responses: { 200: answered(refTo(described.answer)), default: { $ref: '#/components/responses/Status' } },
      },
    };
  });
  if (left.size > 0) throw new Error(`there is no route ${[...left].join(', ')}`);
  return documented;
}

const NO_SECURITY = { security: [] };
const REFUSED = { $ref: '#/components/responses/Error' };

const PUBLIC: readonly Documented[] = [
  {
    method: 'POST',
    path: 'v1/token',
    operation: {
      operationId: 'token',
      summary: 'Exchange a token (RFC 8693)',
      description: 'JSON takes camelCase as well. Parameters that are not named here are ignored.',
      ...NO_SECURITY,
      requestBody: {
        required: true,
        content: { 'application/x-www-form-urlencoded': { schema: refTo(tokenRequest) }, 'application/json': {} },
      },
      responses: { 200: answered(refTo(token)), default: REFUSED },
    },
  },
  ...[`${ISSUER}/.well-known/openid-configuration`, `.well-known/oauth-authorization-server/${ISSUER}`].map(
    (path, index) => ({
      method: 'GET',
      path,
      operation: {
        operationId: index === 0 ? 'discovery' : 'metadata',
        summary: index === 0 ? 'OpenID Connect discovery of a pool’s issuer' : 'RFC 8414 metadata of a pool’s issuer',
        ...NO_SECURITY,
        responses: { 200: answered(refTo(discovery)), 304: { description: 'As you know it' }, default: REFUSED },
      },
    }),
  ),
  {
    method: 'GET',
    path: `${ISSUER}/jwks`,
    operation: {
      operationId: 'jwks',
      summary: 'Public keys of a pool’s issuer',
      ...NO_SECURITY,
      responses: {
        200: { description: 'OK', content: { 'application/jwk-set+json': { schema: refTo(jwks) } } },
        304: { description: 'As you know it' },
        default: REFUSED,
      },
    },
  },
  ...['healthz', 'readyz'].map((path) => ({
    method: 'GET',
    path,
    operation: {
      operationId: path,
      summary: path === 'healthz' ? 'The broker runs' : 'The broker could exchange a token, or says what is missing',
      ...NO_SECURITY,
      responses: { 200: answered(refTo(ready)), 503: { description: 'Not ready', content: json(refTo(unready)) } },
    },
  })),
  {
    method: 'POST',
    path: AWS_VERIFY_PATH.slice(1),
    operation: {
      operationId: 'awsVerify',
      summary: 'Who signed this request with a role’s session credentials (AWS Signature Version 4)',
      description: 'Whoever may sign in may ask. What is signed is answered, and nothing else of the request.',
      requestBody: { required: true, content: json(refTo(awsVerifyInput)) },
      responses: { 200: answered(refTo(awsVerified)), default: { $ref: '#/components/responses/Status' } },
    },
  },
  {
    method: 'GET',
    path: METRICS_PATH.slice(1),
    operation: {
      operationId: 'metrics',
      summary: 'Metrics of all projects that the caller may see, or of those he names',
      description: `Needs ${METRICS_NEEDS.permission}.`,
      parameters: [
        { name: 'project', in: 'query', schema: { type: 'array', items: { type: 'string' }, maxItems: 50 } },
      ],
      responses: {
        200: {
          description: 'OK',
          content: {
            'application/openmetrics-text': { schema: { type: 'string' } },
            'text/plain': { schema: { type: 'string' } },
          },
        },
        default: { $ref: '#/components/responses/Status' },
      },
    },
  },
  {
    method: 'GET',
    path: OPENAPI_PATH.slice(1),
    operation: {
      operationId: 'openapi',
      summary: 'This document',
      ...NO_SECURITY,
      responses: { 200: answered({ type: 'object' }), 304: { description: 'As you know it' }, default: REFUSED },
    },
  },
  {
    method: 'GET',
    path: CONFIGURATION_SCHEMA_PATH.slice(1),
    operation: {
      operationId: 'configurationSchema',
      summary: 'The JSON Schema of the files of edge-sts apply',
      ...NO_SECURITY,
      responses: {
        200: { description: 'OK', content: { 'application/schema+json': { schema: { type: 'object' } } } },
        304: { description: 'As you know it' },
        default: REFUSED,
      },
    },
  },
];

/** IAM Credentials, and what its tokens and signatures are verified by. */
const CREDENTIALS: readonly Documented[] = [
  credential('generateAccessToken', 'Impersonate a service account', 'getAccessToken', [
    credentials.generateAccessTokenInput,
    credentials.generatedAccessToken,
  ]),
  credential('generateIdToken', 'An ID token of a service account', 'getOpenIdToken', [
    credentials.generateIdTokenInput,
    credentials.generatedIdToken,
  ]),
  credential('signJwt', 'Claims signed by a service account', 'signJwt', [
    credentials.signJwtInput,
    credentials.signedJwt,
  ]),
  credential('signBlob', 'Bytes signed by a service account', 'signBlob', [
    credentials.signBlobInput,
    credentials.signedBlob,
  ]),
  ...[`${ACCOUNTS}/.well-known/openid-configuration`, `.well-known/oauth-authorization-server/${ACCOUNTS}`].map(
    (path, index) => ({
      method: 'GET',
      path,
      operation: {
        operationId: index === 0 ? 'accounts.discovery' : 'accounts.metadata',
        summary: 'The issuer of a project’s service accounts',
        ...NO_SECURITY,
        responses: {
          200: answered(refTo(credentials.accountDiscovery)),
          304: { description: 'As you know it' },
          default: REFUSED,
        },
      },
    }),
  ),
  ...[`${ACCOUNTS}/jwks`, 'v1/metadata/jwk/{account}'].map((path, index) => ({
    method: 'GET',
    path,
    operation: {
      operationId: index === 0 ? 'accounts.jwks' : 'account.jwk',
      summary:
        index === 0 ? 'Public keys of that issuer' : 'Public keys of what one account signed by signJwt and signBlob',
      ...NO_SECURITY,
      responses: {
        200: { description: 'OK', content: { 'application/jwk-set+json': { schema: refTo(jwks) } } },
        304: { description: 'As you know it' },
        default: REFUSED,
      },
    },
  })),
];

function credential(
  method: string,
  summary: string,
  permission: string,
  [body, answer]: readonly [v.GenericSchema, v.GenericSchema],
): Documented {
  return {
    method: 'POST',
    path: `v1/projects/{project}/serviceAccounts/{account}:${method}`,
    operation: {
      operationId: `projects.serviceAccounts.${method}`,
      summary,
      description: `The project is "-". Needs iam.serviceAccounts.${permission}.`,
      requestBody: { content: json(refTo(body)) },
      responses: { 200: answered(refTo(answer)), default: { $ref: '#/components/responses/Status' } },
    },
  };
}

/** What can be done with tokens that are out. */
const TOKEN_CARE: readonly Documented[] = [
  ...(
    [
      [
        'introspect',
        'Is a token good now, and whose is it (RFC 7662)',
        'Needs sts.tokens.introspect on the project, or on the target that the token is for.',
        tokenCare.introspection,
        tokenCare.introspected,
      ],
      [
        'revoke',
        'End tokens (RFC 7009)',
        'Whoever shows nothing but the token may end it; else it needs sts.tokens.revoke on the project.',
        tokenCare.revocation,
        tokenCare.revoked,
      ],
    ] as const
  ).map(([name, summary, description, body, answer]) => ({
    method: 'POST',
    path: `v1/${name}`,
    operation: {
      operationId: name,
      summary,
      description,
      requestBody: {
        required: true,
        content: { 'application/x-www-form-urlencoded': { schema: refTo(body) }, 'application/json': {} },
      },
      responses: { 200: answered(refTo(answer)), default: REFUSED },
    },
  })),
  ...['v1/tokeninfo', 'tokeninfo'].map((path, index) => ({
    method: 'GET',
    path,
    operation: {
      operationId: index === 0 ? 'tokeninfo' : 'oauth2.tokeninfo',
      summary: 'What a token says, for its holder',
      responses: { 200: answered(refTo(tokenCare.tokenInfo)), default: REFUSED },
    },
  })),
];

/** As Google names them: the collections on the way, then what is done. */
function operationId(method: string, version: string, path: string): string {
  const [whole = '', verb] = path.split(':');
  const segments = whole.split('/');
  const isOne = segments.at(-1)?.startsWith('{') === true;
  const done = { GET: isOne ? 'get' : 'list', POST: 'create', PATCH: 'patch', PUT: 'update', DELETE: 'delete' }[method];
  const collections = segments.filter((segment) => !/^(\{.*\}|1|locations|global|services|sts)$/.test(segment));
  return [...(version === 'v1' ? [] : [version]), ...collections, verb ?? done].join('.');
}

function pathParameters(path: string): readonly string[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name);
}

function parameter(name: string): object {
  return { $ref: `#/components/parameters/${name}` };
}

function answered(schema: object): object {
  return { description: 'OK', content: json(schema) };
}

function json(schema: object): object {
  return { 'application/json': { schema } };
}

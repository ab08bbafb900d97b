/** A peer: panva/oidc-provider in one Node process, with a token-exchange grant as its documentation shows how to add one. In memory, no log. */
import { importJWK, jwtVerify } from 'jose';
import { Provider } from 'oidc-provider';

const GRANT_TYPE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const RESOURCE_SERVER = { scope: '', accessTokenFormat: 'jwt', accessTokenTTL: 3_600, jwt: { sign: { alg: 'ES256' } } };

let given = '';
process.stdin.setEncoding('utf8');
for await (const chunk of process.stdin) given += chunk;
const { port, publicJwk, issuer } = JSON.parse(given);

const key = await importJWK(JSON.parse(publicJwk), 'RS256');
const { privateKey } = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, [
  'sign',
  'verify',
]);
const signingKey = { ...(await crypto.subtle.exportKey('jwk', privateKey)), alg: 'ES256', use: 'sig', kid: 'bench' };
delete signingKey.key_ops;

const client = {
  client_id: 'bench',
  token_endpoint_auth_method: 'none',
  grant_types: [GRANT_TYPE],
  id_token_signed_response_alg: 'ES256',
};
const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: [{ ...client, redirect_uris: [], response_types: [] }],
  jwks: { keys: [signingKey] },
  features: {
    devInteractions: { enabled: false },
    resourceIndicators: {
      enabled: true,
      getResourceServerInfo: (_context, resource) => ({ ...RESOURCE_SERVER, audience: resource }),
    },
  },
});

provider.registerGrantType(
  GRANT_TYPE,
  async (context) => {
    const { client: asking, params } = context.oidc;
    const { payload } = await jwtVerify(params.subject_token, key, {
      algorithms: ['RS256'],
      issuer,
      audience: [params.audience, `https:${params.audience}`],
    });
    const token = new provider.AccessToken({
      client: asking,
      accountId: payload.sub,
      grantId: 'bench',
      gty: 'exchange',
    });
    // What the broker's token says besides, so that both carry as much.
    token.extra = {
      roles: ['projects/bench-00000000/roles/reader'],
      principal: `principal:${params.audience}/subject/${payload.sub}`,
      'kubernetes.io': payload['kubernetes.io'],
    };
    token.resourceServer = new provider.ResourceServer(params.resource, {
      ...RESOURCE_SERVER,
      audience: params.resource,
    });
    context.body = {
      access_token: await token.save(),
      issued_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      token_type: 'Bearer',
      expires_in: token.expiration,
    };
  },
  ['audience', 'resource', 'subject_token', 'subject_token_type', 'requested_token_type'],
);

provider.listen(port, '127.0.0.1');

/**
 * A peer: panva/oidc-provider in one Node process, with a token-exchange grant as its documentation shows how to add one: an authenticated
 * client, the account, the grant and the resource server by way of its configuration and adapter. All in memory, no log.
 */
import { createLocalJWKSet, jwtVerify } from 'jose';
import { Provider } from 'oidc-provider';

const GRANT_TYPE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const RESOURCE_SERVER = { scope: '', accessTokenFormat: 'jwt', accessTokenTTL: 3_600, jwt: { sign: { alg: 'ES256' } } };

let given = '';
process.stdin.setEncoding('utf8');
for await (const chunk of process.stdin) given += chunk;
const { port, publicJwk, issuer } = JSON.parse(given);

const keys = createLocalJWKSet({ keys: [JSON.parse(publicJwk)] });
const { privateKey } = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, [
  'sign',
  'verify',
]);
const signingKey = { ...(await crypto.subtle.exportKey('jwk', privateKey)), alg: 'ES256', use: 'sig', kid: 'bench' };
delete signingKey.key_ops;

const client = {
  client_id: 'bench',
  client_secret: 'bench-only',
  token_endpoint_auth_method: 'client_secret_basic',
  grant_types: [GRANT_TYPE],
  id_token_signed_response_alg: 'ES256',
};
const getResourceServerInfo = (_context, resource) => ({ ...RESOURCE_SERVER, audience: resource });
const findAccount = async (_context, sub) => ({ accountId: sub, claims: async () => ({ sub }) });
const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: [{ ...client, redirect_uris: [], response_types: [] }],
  jwks: { keys: [signingKey] },
  findAccount,
  features: {
    devInteractions: { enabled: false },
    resourceIndicators: {
      enabled: true,
      getResourceServerInfo,
    },
  },
});

provider.registerGrantType(
  GRANT_TYPE,
  async (context) => {
    const { client: asking, params } = context.oidc;
    const { payload } = await jwtVerify(params.subject_token, keys, {
      algorithms: ['RS256'],
      issuer,
      audience: [params.audience, `https:${params.audience}`],
    });
    const { accountId } = await findAccount(context, payload.sub);
    const grant = new provider.Grant({ clientId: asking.clientId, accountId });
    grant.addResourceScope(params.resource, '');
    const token = new provider.AccessToken({
      client: asking,
      accountId,
      grantId: await grant.save(),
      gty: 'exchange',
    });
    // What the broker's token says besides, so that both carry as much.
    token.extra = {
      roles: ['projects/bench-00000000/roles/reader'],
      principal: `principal:${params.audience}/subject/${payload.sub}`,
      'kubernetes.io': payload['kubernetes.io'],
    };
    const resourceServer = getResourceServerInfo(context, params.resource);
    token.resourceServer = new provider.ResourceServer(params.resource, resourceServer);
    context.oidc.entity('AccessToken', token);
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

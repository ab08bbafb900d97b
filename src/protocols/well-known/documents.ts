/** Our issuers' public documents, as AWS, Google, Entra and Kubernetes want them (WIRE.md H.2; OIDC discovery; RFC 8414). Pure. */

/** The public half of one of our own signing keys, exactly as it is published. */
export interface PublishedJwk {
  readonly kty: string;
  readonly kid: string;
  readonly use: string;
  readonly alg: string;
}

export function issuerOf(publicOrigin: string, projectNumber: string, poolId: string): string {
  return `${publicOrigin}/${projectNumber}/${poolId}`;
}

/** One document serves OIDC discovery and RFC 8414: no authorization endpoint, for nobody logs in here. */
export function discoveryDocument(publicOrigin: string, issuer: string, keys: readonly PublishedJwk[]): object {
  return {
    issuer,
    jwks_uri: `${issuer}/jwks`,
    token_endpoint: `${publicOrigin}/v1/token`,
    // AWS answers "Couldn't retrieve verification key" where any of the next three is missing.
    response_types_supported: ['id_token'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: [...new Set(keys.map((key) => key.alg))].toSorted(),
    grant_types_supported: ['urn:ietf:params:oauth:grant-type:token-exchange'],
    token_endpoint_auth_methods_supported: ['none'],
    claims_supported: [
      'iss',
      'sub',
      'aud',
      'exp',
      'iat',
      'nbf',
      'jti',
      'client_id',
      'scope',
      'roles',
      'principal',
      'kubernetes.io',
    ],
  };
}

/** Our issuers' public documents as shapes, for the document of the API. `documents.ts` makes them. */
import * as v from 'valibot';

const texts = v.array(v.string());
const maybe = v.exactOptional(v.string());

export const discovery = v.object({
  issuer: v.string(),
  jwks_uri: v.string(),
  token_endpoint: v.string(),
  response_types_supported: texts,
  subject_types_supported: texts,
  id_token_signing_alg_values_supported: texts,
  grant_types_supported: texts,
  token_endpoint_auth_methods_supported: texts,
  claims_supported: texts,
});

/** RFC 7517; public halves only. */
export const jwks = v.object({
  keys: v.array(
    v.object({
      kty: v.picklist(['EC', 'RSA']),
      kid: v.string(),
      use: v.literal('sig'),
      alg: v.picklist(['ES256', 'RS256']),
      crv: maybe,
      x: maybe,
      y: maybe,
      n: maybe,
      e: maybe,
    }),
  ),
});

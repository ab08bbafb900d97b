/** IAM Credentials as shapes, for the document of the API. `request.ts` reads more than these say: what it does not know it ignores. */
import * as v from 'valibot';

const text = v.string();
const delegates = v.nullish(v.array(text));

export const generateAccessTokenInput = v.object({
  scope: v.array(text),
  lifetime: v.nullish(text),
  delegates,
});

export const generatedAccessToken = v.object({ accessToken: text, expireTime: v.pipe(text, v.isoTimestamp()) });

export const generateIdTokenInput = v.object({
  audience: text,
  includeEmail: v.exactOptional(v.boolean()),
  delegates,
});

export const generatedIdToken = v.object({ token: text });

/** `payload`: a JSON object in a string. */
export const signJwtInput = v.object({ payload: text, delegates });

export const signedJwt = v.object({ keyId: text, signedJwt: text });

/** `payload`: bytes in base64. */
export const signBlobInput = v.object({ payload: text, delegates });

export const signedBlob = v.object({ keyId: text, signedBlob: text });

export const accountDiscovery = v.object({
  issuer: text,
  jwks_uri: text,
  response_types_supported: v.array(text),
  subject_types_supported: v.array(text),
  id_token_signing_alg_values_supported: v.array(text),
  claims_supported: v.array(text),
});

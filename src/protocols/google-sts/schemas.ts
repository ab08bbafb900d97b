/** The token endpoint's request and answers as shapes, for the document of the API. The request is read by `request.ts`, which knows more than a shape can say. */
import * as v from 'valibot';

const TOKEN_TYPE = 'urn:ietf:params:oauth:token-type:';
const maybe = v.exactOptional(v.string());

/** Form spelling; JSON takes camelCase as well. Unknown parameters are ignored. */
export const tokenRequest = v.object({
  grant_type: v.literal('urn:ietf:params:oauth:grant-type:token-exchange'),
  audience: maybe,
  resource: maybe,
  scope: maybe,
  options: maybe,
  requested_token_type: v.exactOptional(
    v.picklist([`${TOKEN_TYPE}access_token`, `${TOKEN_TYPE}jwt`, `${TOKEN_TYPE}id_token`]),
  ),
  subject_token: v.string(),
  subject_token_type: v.picklist([
    `${TOKEN_TYPE}jwt`,
    `${TOKEN_TYPE}id_token`,
    `${TOKEN_TYPE}access_token`,
    'urn:ietf:params:aws:token-type:aws4_request',
  ]),
});

export const token = v.object({
  access_token: v.string(),
  issued_token_type: v.string(),
  token_type: v.literal('Bearer'),
  expires_in: v.pipe(v.number(), v.integer(), v.minValue(1)),
  scope: maybe,
});

export const tokenError = v.object({ error: v.string(), error_description: v.string() });

/** The care of tokens as shapes, for the document of the API. JSON takes camelCase as well; times are then strings, as Google has them. */
import * as v from 'valibot';

const text = v.string();
const maybe = v.exactOptional(text);
const time = v.exactOptional(v.union([v.pipe(v.number(), v.integer()), text]));

export const introspection = v.object({ token: text, token_type_hint: maybe });

export const introspected = v.object({
  active: v.boolean(),
  token_type: maybe,
  client_id: maybe,
  iss: maybe,
  sub: maybe,
  aud: maybe,
  scope: maybe,
  username: maybe,
  jti: maybe,
  exp: time,
  iat: time,
  nbf: time,
});

/** Exactly one of `token`, `token_id` (with `project`) and `principal` (with `before`, or up to now). */
export const revocation = v.object({
  token: maybe,
  token_type_hint: maybe,
  token_id: maybe,
  project: maybe,
  principal: maybe,
  before: maybe,
});

export const revoked = v.object({});

export const tokenInfo = v.object({
  azp: text,
  aud: text,
  sub: text,
  scope: text,
  exp: text,
  expires_in: text,
  email: maybe,
  email_verified: maybe,
  username: text,
  access_type: text,
});

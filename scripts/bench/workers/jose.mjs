/** The bare exchange as anybody would write it: `formData()`, jose to verify and to sign, no configuration, no policy, no quota, no log. */
import { importJWK, jwtVerify, SignJWT } from 'jose';

const MAKE = {
  ES256: { name: 'ECDSA', namedCurve: 'P-256' },
  RS256: {
    name: 'RSASSA-PKCS1-v1_5',
    hash: 'SHA-256',
    modulusLength: 2_048,
    publicExponent: new Uint8Array([1, 0, 1]),
  },
};
let ready;

async function prepare({ JWK, ALG_IN, ALG_OUT, CLAIMS }) {
  const { privateKey } = await crypto.subtle.generateKey(MAKE[ALG_OUT], false, ['sign', 'verify']);
  return { publicKey: await importJWK(JSON.parse(JWK), ALG_IN), privateKey, claims: JSON.parse(CLAIMS) };
}

export default {
  async fetch(request, env) {
    ready ??= await prepare(env);
    const form = await request.formData();
    const audience = form.get('audience');
    try {
      await jwtVerify(form.get('subject_token'), ready.publicKey, {
        algorithms: [env.ALG_IN],
        issuer: env.ISSUER,
        audience: [audience, `https:${audience}`],
      });
    } catch {
      return Response.json({ error: 'invalid_grant' }, { status: 400 });
    }
    const jwt = await new SignJWT(ready.claims)
      .setProtectedHeader({ alg: env.ALG_OUT, kid: 'k'.repeat(43), typ: 'at+jwt' })
      .setIssuedAt()
      .setExpirationTime('1h')
      .sign(ready.privateKey);
    const body = {
      access_token: jwt,
      issued_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      token_type: 'Bearer',
      expires_in: 3_600,
    };
    return Response.json(body);
  },
};

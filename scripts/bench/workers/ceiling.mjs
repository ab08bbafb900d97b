/**
 * The ceiling: the same body in, one signature verified, one made, by raw WebCrypto, an answer of the same size. It looks at nothing else:
 * no claim, no form but the token's place in it. What an exchange costs above this is what it does besides cryptography.
 */
const VERIFY = {
  RS256: { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' },
  ES256: { name: 'ECDSA', hash: 'SHA-256', namedCurve: 'P-256' },
};
const MAKE = {
  ES256: { name: 'ECDSA', namedCurve: 'P-256' },
  RS256: {
    name: 'RSASSA-PKCS1-v1_5',
    hash: 'SHA-256',
    modulusLength: 2_048,
    publicExponent: new Uint8Array([1, 0, 1]),
  },
};
const PARAMETER = 'subject_token=';
const encoder = new TextEncoder();
const decoder = new TextDecoder();
let ready;

async function prepare({ JWK, ALG_IN, ALG_OUT, CLAIMS }) {
  const { privateKey } = await crypto.subtle.generateKey(MAKE[ALG_OUT], false, ['sign', 'verify']);
  return {
    verifyAlgorithm: VERIFY[ALG_IN],
    publicKey: await crypto.subtle.importKey('jwk', JSON.parse(JWK), VERIFY[ALG_IN], false, ['verify']),
    signAlgorithm: VERIFY[ALG_OUT],
    privateKey,
    // As long as the broker's: `typ` and a thumbprint as `kid`.
    header: base64Url(JSON.stringify({ alg: ALG_OUT, kid: 'k'.repeat(43), typ: 'at+jwt' })),
    claims: CLAIMS.slice(1),
  };
}

export default {
  async fetch(request, env) {
    ready ??= await prepare(env);
    const { verifyAlgorithm, publicKey, signAlgorithm, privateKey, header, claims } = ready;
    const body = decoder.decode(await request.arrayBuffer());
    const from = body.indexOf(PARAMETER) + PARAMETER.length;
    const to = body.indexOf('&', from);
    const token = body.slice(from, to < 0 ? body.length : to);
    const dot = token.lastIndexOf('.');
    const signature = bytesOf(token.slice(dot + 1));
    if (!(await crypto.subtle.verify(verifyAlgorithm, publicKey, signature, encoder.encode(token.slice(0, dot))))) {
      return new Response('not verified', { status: 400 });
    }
    const input = `${header}.${base64Url(`{"iat":${Math.floor(Date.now() / 1_000)},${claims}`)}`;
    const made = new Uint8Array(await crypto.subtle.sign(signAlgorithm, privateKey, encoder.encode(input)));
    const jwt = `${input}.${base64Url(String.fromCharCode(...made))}`;
    return new Response(
      `{"access_token":"${jwt}","issued_token_type":"urn:ietf:params:oauth:token-type:access_token","token_type":"Bearer","expires_in":3600}`,
      { headers: { 'Content-Type': 'application/json' } },
    );
  },
};

function bytesOf(text) {
  const binary = atob(text.replaceAll('-', '+').replaceAll('_', '/'));
  const bytes = new Uint8Array(binary.length);
  for (let at = 0; at < binary.length; at++) bytes[at] = binary.charCodeAt(at);
  return bytes;
}

function base64Url(binary) {
  return btoa(binary).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}

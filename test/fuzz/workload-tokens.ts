/** Tokens of workloads: right ones, and ones whose header, payload or signature was changed; each signed anew by a key that the cluster may have. */
import fc from 'fast-check';
import { base64Url, type Issuer, workloadClaims } from '../support/issuer.ts';
import { encode, type Json, textEdits, valueEdit } from './mutations.ts';
import { type ClusterName, NOW_SECONDS } from './names.ts';

type Bytes = Uint8Array<ArrayBuffer>;

export const GRANT_TYPE = 'urn:ietf:params:oauth:grant-type:token-exchange';
export const TOKEN_TYPE = 'urn:ietf:params:oauth:token-type:';

const CLAIM_PATHS = [
  ['iss'],
  ['sub'],
  ['aud'],
  ['exp'],
  ['iat'],
  ['nbf'],
  ['jti'],
  ['kubernetes.io'],
  ['__proto__'],
  ['extra'],
  ['kubernetes.io', 'namespace'],
  ['kubernetes.io', 'serviceaccount'],
  ['kubernetes.io', 'serviceaccount', 'name'],
  ['kubernetes.io', 'serviceaccount', 'uid'],
  ['kubernetes.io', 'pod'],
  ['kubernetes.io', 'pod', 'name'],
  ['kubernetes.io', 'pod', 'uid'],
  ['kubernetes.io', 'node'],
  ['kubernetes.io', 'node', 'name'],
  ['kubernetes.io', 'node', 'uid'],
  ['kubernetes.io/serviceaccount/namespace'],
];
const HEADER_PATHS = ['alg', 'kid', 'typ', 'x5t', 'x5t#S256', 'jwk', 'jku', 'crit', 'b64', '__proto__'].map((name) => [
  name,
]);

type Signature = 'right' | 'flipped' | 'of another text' | 'respelled' | 'none' | 'zeros' | 'padded';

export interface TokenEdits {
  readonly headerEdits: readonly ((document: Json) => Json)[];
  readonly claimEdits: readonly ((document: Json) => Json)[];
  readonly headerText: (bytes: Bytes) => Bytes;
  readonly payloadText: (bytes: Bytes) => Bytes;
  readonly signature: Signature;
}

const unchanged = (bytes: Bytes): Bytes => bytes;

export const tokenEdits: fc.Arbitrary<TokenEdits> = fc.record({
  headerEdits: fc.array(valueEdit(HEADER_PATHS), { maxLength: 1 }),
  claimEdits: fc.array(valueEdit(CLAIM_PATHS), { maxLength: 2 }),
  headerText: fc.oneof({ weight: 3, arbitrary: fc.constant(unchanged) }, { weight: 1, arbitrary: textEdits }),
  payloadText: textEdits,
  signature: fc.oneof(
    { weight: 8, arbitrary: fc.constant<Signature>('right') },
    {
      weight: 1,
      arbitrary: fc.constantFrom<Signature>('flipped', 'of another text', 'respelled', 'none', 'zeros', 'padded'),
    },
  ),
});

export const NO_EDITS: TokenEdits = {
  headerEdits: [],
  claimEdits: [],
  headerText: unchanged,
  payloadText: unchanged,
  signature: 'right',
};

/** For properties whose subject is something else: most tokens are right. */
export const rareTokenEdits: fc.Arbitrary<TokenEdits> = fc.oneof(
  { weight: 5, arbitrary: fc.constant(NO_EDITS) },
  { weight: 1, arbitrary: tokenEdits },
);

export interface MadeToken {
  readonly token: string;
  readonly header: Bytes;
  readonly payload: Bytes;
  /** Small enough, and the signature is its key's over these bytes. */
  readonly isSigned: boolean;
}

export async function makeToken(
  issuer: Issuer,
  claims: Json,
  edits: TokenEdits = NO_EDITS,
  kid: string = issuer.kid,
): Promise<MadeToken> {
  const good: Json = { alg: 'ES256', kid };
  const header = edits.headerText(encode(edits.headerEdits.reduce<Json>((document, edit) => edit(document), good)));
  const payload = edits.payloadText(encode(edits.claimEdits.reduce<Json>((document, edit) => edit(document), claims)));
  const token = respelled(await issuer.signText(header, payload), edits.signature);
  const isSigned = header.length > 0 && payload.length > 0 && token.length <= 16_384 && edits.signature === 'right';
  return { token, header, payload, isSigned };
}

function respelled(token: string, how: Signature): string {
  const at = token.lastIndexOf('.') + 1;
  const [input, signature] = [token.slice(0, at), token.slice(at)];
  const last = signature.at(-1) ?? '';
  switch (how) {
    case 'right':
      return token;
    case 'flipped':
      return `${input}${signature.startsWith('A') ? 'B' : 'A'}${signature.slice(1)}`;
    case 'of another text':
      return `${base64Url('{"alg":"ES256","kid":"key-a","typ":"JWT"}')}${input.slice(input.indexOf('.'))}${signature}`;
    case 'respelled':
      return `${token.slice(0, -1)}${String.fromCharCode(last.charCodeAt(0) + 1)}`;
    case 'none':
      return input;
    case 'zeros':
      return `${input}${base64Url(new Uint8Array(64))}`;
    case 'padded':
      return `${token}==`;
  }
}

const CHECKOUT = { namespace: 'shop', serviceAccount: 'checkout' };

/** What a workload of that cluster holds, made for an exchange. */
export function claimsFor(
  { audience, issuerUri }: ClusterName,
  change: {
    readonly audience?: string | readonly string[];
    readonly account?: typeof CHECKOUT;
    readonly jti?: Json;
  } = {},
): Json {
  const claims = workloadClaims({
    issuerUri,
    audience: change.audience ?? `https:${audience}`,
    issuedAtSeconds: NOW_SECONDS - 10,
    ...(change.account ?? CHECKOUT),
  });
  // Nothing by chance: who runs it again with the seed has the same tokens.
  const { jti: _byChance, ...rest } = claims;
  return { ...(rest as { [name: string]: Json }), jti: change.jti === undefined ? 'jti-0' : change.jti };
}

/** What our own second opinion expects of a token for that cluster. */
export function expectedOf({ audience, issuerUri }: ClusterName, kids: readonly string[] = ['key-a']) {
  return { kids, issuerUri, audiences: [audience, `https:${audience}`], nowSeconds: NOW_SECONDS };
}

/** Google's own parameters around a token. */
export function rightRequest({ audience }: ClusterName, token: string): Record<string, string> {
  return {
    grant_type: GRANT_TYPE,
    audience,
    scope: 'https://www.googleapis.com/auth/cloud-platform',
    requested_token_type: `${TOKEN_TYPE}access_token`,
    subject_token: token,
    subject_token_type: `${TOKEN_TYPE}jwt`,
  };
}

export function exchangeOf(cluster: ClusterName, token: string): RequestInit {
  return { method: 'POST', body: new URLSearchParams(rightRequest(cluster, token)) };
}

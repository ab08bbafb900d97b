/** A request as its signature's verifier takes it, from what the platform hands on. */
import { rewrittenHeader } from '../../core/aws/sigv4/rewritten.ts';
import type { Signature, SignatureFault } from '../../core/aws/sigv4/signature.ts';
import type { SignedParts } from '../../core/aws/sigv4/parts.ts';
import type { SigV4Crypto } from '../../core/aws/sigv4/verify.ts';

export async function partsOf(
  request: Request,
  body: Uint8Array<ArrayBuffer>,
  crypto: SigV4Crypto,
): Promise<SignedParts> {
  const url = new URL(request.url);
  const headers = [...request.headers];
  const hasHost = headers.some(([name]) => name === 'host');
  return {
    method: request.method,
    path: url.pathname,
    query: url.search.slice(1),
    headers: hasHost ? headers : [...headers, ['host', url.host]],
    bodySha256: await crypto.sha256Hex(body),
    bodyBytes: body.length,
  };
}

/** What this door asks of a signature beside the rules of all. */
export function faultForUs({ scope, signedHeaders }: Signature): SignatureFault | undefined {
  if (scope.service !== 'sts') return { tag: 'incomplete', problem: 'Credential must be scoped to the service sts' };
  const rewritten = rewrittenHeader(signedHeaders);
  if (rewritten === undefined) return undefined;
  return {
    tag: 'incomplete',
    problem: `the header ${rewritten} is signed, and arrives here otherwise than it was sent`,
  };
}

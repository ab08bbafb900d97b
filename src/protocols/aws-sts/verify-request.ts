/** `POST /aws/verify`, read: the parts of a request that somebody else received, as JSON. Pure. */
import { invalid, type AdminDenial } from '../../core/admin/denial.ts';
import type { JsonObject } from '../../core/json.ts';
import { err, ok, type Result } from '../../core/result.ts';
import { parseBody } from '../body-shape.ts';
import { awsVerifyInput } from './schemas.ts';

export interface VerifyRequest {
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: Uint8Array<ArrayBuffer>;
  readonly expectedHost: string;
}

const HOST = /^[A-Za-z0-9.[\]:-]{1,255}$/;

export function parseVerify(document: JsonObject): Result<VerifyRequest, AdminDenial> {
  const parsed = parseBody(awsVerifyInput, document);
  if (!parsed.ok) return parsed;
  const { method, path, query = '', headers, body = '', expectedHost } = parsed.value;
  if (!/^[A-Z]{1,20}$/.test(method)) return err(invalid('method', 'must be an HTTP method in capitals'));
  if (!HOST.test(expectedHost)) return err(invalid('expectedHost', 'must be the host that the request was sent to'));
  const bytes = decoded(body);
  if (bytes === undefined) return err(invalid('body', 'must be base64'));
  const pairs = Object.entries(headers).flatMap(([name, values]) =>
    (typeof values === 'string' ? [values] : values).map((value) => [name, value] as const),
  );
  return ok({ method, path, query, headers: pairs, body: bytes, expectedHost });
}

function decoded(base64: string): Uint8Array<ArrayBuffer> | undefined {
  if (!/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(base64)) return undefined;
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}

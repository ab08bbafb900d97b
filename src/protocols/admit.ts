/** Who sends an administrative request: before anything else of it is looked at. */
import type { AuthenticateAdmin } from '../core/admin/authenticated.ts';
import type { Caller } from '../core/admin/caller.ts';
import type { AdminDenial } from '../core/admin/denial.ts';
import { ok, type Result } from '../core/result.ts';

export async function admit(
  { headers }: Request,
  requestId: string,
  authenticate: AuthenticateAdmin,
): Promise<Result<Caller, AdminDenial>> {
  const authenticated = await authenticate({
    authorization: headers.get('authorization') ?? undefined,
    accessAssertion: headers.get('cf-access-jwt-assertion') ?? undefined,
  });
  if (!authenticated.ok) return authenticated;
  // Cloudflare sets this header itself and overwrites what a client sends.
  const address = headers.get('cf-connecting-ip');
  return ok({ ...authenticated.value, requestId, ...(address === null ? {} : { address }) });
}

/** Signing keys, as operators see them: of exchanges, of all service accounts' tokens, and of what one account signs at will. */
import type { AdminDenial } from '../../core/admin/denial.ts';
import { ok, type Result } from '../../core/result.ts';
import { ringOf } from '../../core/rings.ts';
import { parseBody } from '../body-shape.ts';
import { needs } from './needs.ts';
import { inProject, type RestContext } from './project-scope.ts';
import { renderKeys } from './render.ts';
import { rotateKeys } from './schemas.ts';
import type { Call, Route } from './table.ts';

type NameOfRing = (projectNumber: string, call: Call) => Promise<Result<string, AdminDenial>>;

export function keyRoutes(context: RestContext): readonly Route[] {
  const { admin } = context;
  return [
    ...routesOf('projects/{project}/signingKeys', async (projectNumber) => ok(ringOf.exchanges(projectNumber))),
    ...routesOf('projects/{project}/serviceAccountSigningKeys', async (projectNumber) =>
      ok(ringOf.accountTokens(projectNumber)),
    ),
    ...routesOf('projects/{project}/serviceAccounts/{account}/signingKeys', ofAccount),
  ];

  function routesOf(path: string, nameOf: NameOfRing): readonly Route[] {
    return [
      {
        method: 'GET',
        path,
        needs: needs('project', 'sts.signingKeys.list'),
        handle: inProject(context, async ({ projectNumber }, call) => {
          const ring = await nameOf(projectNumber, call);
          if (!ring.ok) return ring;
          const keys = await admin.signingKeys(ring.value);
          return keys.ok ? ok(renderKeys(keys.value)) : keys;
        }),
      },
      {
        method: 'POST',
        path: `${path}:rotate`,
        needs: needs('project', 'sts.signingKeys.rotate'),
        handle: inProject(context, async ({ projectNumber }, call) => {
          const input = parseBody(rotateKeys, call.body);
          if (!input.ok) return input;
          const ring = await nameOf(projectNumber, call);
          if (!ring.ok) return ring;
          const keys = await admin.rotateSigningKeys(ring.value, input.value, call.caller);
          return keys.ok ? ok(renderKeys(keys.value)) : keys;
        }),
      },
    ];
  }

  async function ofAccount(projectNumber: string, { param }: Call): Promise<Result<string, AdminDenial>> {
    const found = await admin.read(projectNumber, { type: 'serviceAccount.get', accountId: param('accountId') });
    if (!found.ok) return found;
    if (found.value.kind !== 'serviceAccount') throw new Error(`an account was answered with a ${found.value.kind}`);
    return ok(ringOf.accountKeys(projectNumber, found.value.serviceAccount.uniqueId));
  }
}

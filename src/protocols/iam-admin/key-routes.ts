/** A project's signing keys, as operators see them. */
import { ok } from '../../core/result.ts';
import { needs } from './needs.ts';
import { inProject, type RestContext } from './project-scope.ts';
import { renderKeys } from './render.ts';
import { parseBody, rotateKeys } from './schemas.ts';
import type { Route } from './table.ts';

const KEYS = 'projects/{project}/signingKeys';

export function keyRoutes(context: RestContext): readonly Route[] {
  const { admin } = context;
  return [
    {
      method: 'GET',
      path: KEYS,
      needs: needs('project', 'sts.signingKeys.list'),
      handle: inProject(context, async ({ projectNumber }) => {
        const keys = await admin.signingKeys(projectNumber);
        return keys.ok ? ok(renderKeys(keys.value)) : keys;
      }),
    },
    {
      method: 'POST',
      path: `${KEYS}:rotate`,
      needs: needs('project', 'sts.signingKeys.rotate'),
      handle: inProject(context, async ({ projectNumber }, call) => {
        const input = parseBody(rotateKeys, call.body);
        if (!input.ok) return input;
        const keys = await admin.rotateSigningKeys(projectNumber, input.value, call.caller);
        return keys.ok ? ok(renderKeys(keys.value)) : keys;
      }),
    },
  ];
}

/** What concerns the whole broker: its bootstrap token is retired here, once others administer it. */
import { ok } from '../../core/result.ts';
import { parseBody } from '../body-shape.ts';
import { needs } from './needs.ts';
import type { RestContext } from './project-scope.ts';
import { nothing } from './schemas.ts';
import type { Route } from './table.ts';

export function organizationRoutes({ admin }: RestContext): readonly Route[] {
  return [
    {
      method: 'POST',
      path: 'organizations/1:retireBootstrapToken',
      needs: needs('organization', 'iam.policies.escalate'),
      handle: async ({ body, caller }) => {
        const input = parseBody(nothing, body);
        if (!input.ok) return input;
        const retired = await admin.retireBootstrapToken(caller);
        return retired.ok ? ok({}) : retired;
      },
    },
  ];
}

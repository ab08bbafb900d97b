/** What a deny policy hangs on, as Google's full resource name in the path: `cloudresourcemanager.googleapis.com/projects/P`, or a target of ours. */
import { invalid, type AdminDenial } from '../../core/admin/denial.ts';
import type { DenyAttachment } from '../../core/resources.ts';
import { err, ok, type Result } from '../../core/result.ts';

const PROJECT = /^cloudresourcemanager\.googleapis\.com\/projects\/([^/]+)$/;
const TARGET = /^sts\.googleapis\.com\/projects\/([^/]+)\/targets\/([^/]+)$/;
const ABOVE = /^cloudresourcemanager\.googleapis\.com\/(organizations|folders)\//;

export function readAttachment(
  text: string,
): Result<{ readonly project: string; readonly attachment: DenyAttachment }, AdminDenial> {
  const [, project] = PROJECT.exec(text) ?? [];
  if (project !== undefined) return ok({ project, attachment: { kind: 'project' } });
  const [, owner, targetId] = TARGET.exec(text) ?? [];
  if (owner !== undefined && targetId !== undefined)
    return ok({ project: owner, attachment: { kind: 'target', targetId } });
  if (ABOVE.test(text))
    return err(invalid('parent', 'no deny policy covers an organization: attach it to its projects'));
  return err(
    invalid(
      'parent',
      'must be policies/ATTACHMENT/denypolicies with cloudresourcemanager.googleapis.com%2Fprojects%2FPROJECT or sts.googleapis.com%2Fprojects%2FPROJECT%2Ftargets%2FTARGET',
    ),
  );
}

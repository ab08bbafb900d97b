/** Whose policy it is: the project itself, or a target of it. */
import { segment } from './rest.ts';
import type { ProjectVisit } from './visit.tsx';

/** The project itself, or a target of it. */
export function placeOf(project: string, target: string): string {
  return target === '' ? `projects/${segment(project)}` : `projects/${segment(project)}/targets/${segment(target)}`;
}

export async function readPolicy({ rest, project }: ProjectVisit, target: string) {
  return rest.post(`${placeOf(project, target)}:getIamPolicy`, { options: { requestedPolicyVersion: 3 } });
}

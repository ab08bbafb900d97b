/** A resource of the broker as conditions of administrators see it: `resource.name`, `.type`, `.service`, and the tags of a target. */
import type { BindingVariables } from '../../policy/variables.ts';
import type { PolicyResource } from '../commands.ts';
import { policyResourceName } from '../policies.ts';
import type { ConfigState } from '../state.ts';

type Seen = BindingVariables['resource'];

const RESOURCE_MANAGER = 'cloudresourcemanager.googleapis.com';

export const SEEN_ORGANIZATION: Seen = {
  name: 'organizations/1',
  type: `${RESOURCE_MANAGER}/Organization`,
  service: RESOURCE_MANAGER,
  tags: {},
  tagIds: {},
};

/** A target shows what an exchange shows of it: one condition must not mean two things. */
export function seenResource(state: ConfigState, resource: PolicyResource): Seen {
  const name = policyResourceName(state, resource);
  switch (resource.kind) {
    case 'project':
      return { name, type: `${RESOURCE_MANAGER}/Project`, service: RESOURCE_MANAGER, tags: {}, tagIds: {} };
    case 'pool': {
      const service = 'iam.googleapis.com';
      return { name, type: `${service}/WorkloadIdentityPool`, service, tags: {}, tagIds: {} };
    }
    case 'serviceAccount': {
      const service = 'iam.googleapis.com';
      return { name, type: `${service}/ServiceAccount`, service, tags: {}, tagIds: {} };
    }
    case 'target': {
      const target = state.target(resource.targetId);
      return { ...target?.resource, tags: target?.tags ?? {}, tagIds: target?.tagIds ?? {} };
    }
  }
}

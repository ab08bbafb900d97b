/** A principal as conditions see it: `request.workload`, so that a binding can ask for one pod, a node or a claim. */
import { providerName } from './names.ts';
import type { WorkloadVariables } from './policy/variables.ts';
import type { Principal } from './principal.ts';

export function workloadOf({
  provider,
  subject,
  groups,
  attributes,
  kubernetes,
  claims,
}: Principal): WorkloadVariables {
  return {
    ...(kubernetes === undefined
      ? {}
      : {
          namespace: kubernetes.namespace,
          serviceaccount: kubernetes.serviceAccount,
          ...(kubernetes.pod ? { pod: kubernetes.pod } : {}),
          ...(kubernetes.node ? { node: kubernetes.node } : {}),
          cluster: kubernetes.cluster,
        }),
    provider: providerName(provider),
    subject,
    groups,
    attribute: attributes,
    claims,
  };
}

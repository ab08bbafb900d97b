/** A project and the files that are applied to it: what the tests of configuration as code share. */
import type { Command } from '../../../../src/core/admin/commands.ts';
import type {
  ConfigurationWish,
  DesiredChange,
  DesiredDocument,
} from '../../../../src/core/admin/configuration/change.ts';
import type { Applied } from '../../../../src/core/admin/apply.ts';
import { CLUSTER } from '../../../support/admin-samples.ts';
import type { Administered } from '../../../support/administer.ts';

export const POOL = 'demo.svc.id.goog';
export const MEMBER = `principal://iam.googleapis.com/projects/100000000001/locations/global/workloadIdentityPools/${POOL}/subject/ns/a/sa/b`;

export function wished(changes: readonly DesiredChange[], more: Partial<ConfigurationWish> = {}): Command {
  return {
    type: 'configuration.apply',
    changeSet: 'set-1',
    changes,
    stagedParts: 0,
    prune: false,
    takeOver: false,
    validateOnly: false,
    ...more,
  };
}

export function one<Kind extends DesiredDocument['kind']>(
  resource: string,
  kind: Kind,
  input: Extract<DesiredDocument, { kind: Kind }>['input'],
): DesiredChange {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the input is of that kind
  return { resource, desired: { kind, input } as DesiredDocument };
}

/** A cluster, a target, a role, and who gets it. */
export const SMALL: readonly DesiredChange[] = [
  one('policy/target/files', 'policy', { bindings: [{ role: 'projects/demo/roles/reader', members: [MEMBER] }] }),
  one(`provider/${POOL}/cluster-1`, 'provider', CLUSTER),
  one('target/files', 'target', { uri: 'https://files.example.com' }),
  one('role/reader', 'role', { title: 'Reader', includedPermissions: ['files.read'] }),
];

export function without(resource: string): readonly DesiredChange[] {
  return SMALL.filter((change) => change.resource !== resource);
}

export function withOther(change: DesiredChange): readonly DesiredChange[] {
  return SMALL.map((kept) => (kept.resource === change.resource ? change : kept));
}

export function configured({ answer }: Applied) {
  if (answer.kind !== 'configured') throw new Error(`answered with a ${answer.kind}`);
  return answer;
}

/** `ACTION resource`, in the order of the answer. */
export function stepsOf(applied: Applied): readonly string[] {
  return configured(applied).steps.map(({ resource, action }) => `${action} ${resource}`);
}

/** What applying this would do. */
export function diff(project: Administered, changes: readonly DesiredChange[], more: Partial<ConfigurationWish> = {}) {
  return stepsOf(project.do(wished(changes, { ...more, validateOnly: true })));
}

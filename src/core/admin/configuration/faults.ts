/** Everything that is wrong with a wish, told at once: what would be refused only because something else was is left out. */
import type { PolicyResource } from '../commands.ts';
import type { AdminDenial, FieldViolation } from '../denial.ts';
import { readResourceKey } from '../history/resource-key.ts';

export class Faults {
  readonly #found = new Map<string, FieldViolation[]>();
  /** Refused before any of this was looked at. */
  readonly #refused: ReadonlySet<string>;

  constructor(refused: readonly string[] = []) {
    this.#refused = new Set(refused);
  }

  add(resource: string, description: string): void {
    this.#add(resource, [{ field: resource, description }]);
  }

  /** Undefined: it is one of the fields' or the state's. Otherwise it is an answer to the whole wish. */
  take(resource: string, denial: AdminDenial): AdminDenial | undefined {
    switch (denial.tag) {
      case 'invalid_argument':
        this.#add(
          resource,
          denial.violations.map(({ field, description }) => ({ field: `${resource}: ${field}`, description })),
        );
        return undefined;
      case 'not_found':
        // As one, so that it can be told from what follows of another fault.
        if (!this.#needsOf(resource).some((need) => this.#isFaulty(need)))
          this.add(resource, `${denial.resource} does not exist`);
        else this.#add(resource, []);
        return undefined;
      case 'already_exists':
        this.add(resource, `${denial.resource} already exists`);
        return undefined;
      case 'failed_precondition':
      case 'limit_reached':
        this.add(resource, denial.description);
        return undefined;
      default:
        return denial;
    }
  }

  denial(): AdminDenial | undefined {
    const violations = [...this.#found.values()].flat().filter((one) => !this.#followsFromRole(one));
    return violations.length > 0 ? { tag: 'invalid_argument', violations } : undefined;
  }

  #add(resource: string, violations: readonly FieldViolation[]): void {
    this.#found.set(resource, [...(this.#found.get(resource) ?? []), ...violations]);
  }

  #isFaulty(resource: string): boolean {
    return this.#found.has(resource) || this.#refused.has(resource);
  }

  /** What has to be there for it. */
  #needsOf(resource: string): readonly string[] {
    const named = readResourceKey(resource);
    switch (named?.kind) {
      case 'provider':
        return [`pool/${named.poolId}`];
      case 'policy':
        return named.resource.kind === 'project' ? [] : [`${named.resource.kind}/${idOf(named.resource)}`];
      case 'denyPolicy':
        return named.attachment.kind === 'target' ? [`target/${named.attachment.targetId}`] : [];
      default:
        return [];
    }
  }

  /** A binding of a role that is itself refused. */
  #followsFromRole({ field, description }: FieldViolation): boolean {
    if (!field.endsWith('.role')) return false;
    const [, roleId] = /"projects\/[^/"]+\/roles\/([^/"]+)" does not exist$/.exec(description) ?? [];
    return roleId !== undefined && this.#isFaulty(`role/${roleId}`);
  }
}

function idOf(resource: Exclude<PolicyResource, { readonly kind: 'project' }>): string {
  switch (resource.kind) {
    case 'pool':
      return resource.poolId;
    case 'target':
      return resource.targetId;
    case 'serviceAccount':
      return resource.accountId;
  }
}

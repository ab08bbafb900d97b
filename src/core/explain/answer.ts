/** The question to an explanation, and what it answers: values that cross from the Worker to the Registry and back. */
import type { Denial } from '../denial.ts';
import type { ConditionExplanation } from '../policy/explanation.ts';
import type { PolicyResource } from '../admin/commands.ts';
import type { BindingVariables } from '../policy/variables.ts';
import type { EdgeDenyRule, Policy, Shards } from '../resources.ts';
import type { Certainty } from './certainty.ts';
import type { Subject } from './subject.ts';

/** An allow policy on the way from the resource up to the organization. */
export interface PathPolicy {
  readonly on: string;
  readonly policy: Policy;
  /** Roles that hold what is asked about: the permission, or for a target any permission of somebody else's service. */
  readonly counts: readonly string[];
  /** Only a binding of exactly one principal, without a condition, gives what is asked about (pushing keys). */
  readonly exactOnly?: true;
}

export interface PathRule {
  readonly on: string;
  readonly rule: Pick<EdgeDenyRule, 'shown' | 'deniedPrincipals' | 'exceptionPrincipals' | 'condition'>;
  /** The roles of which it takes away what is asked about; `everything` where the permission itself, or the exchange, is denied. */
  readonly concerns: readonly string[] | 'everything';
}

/** As it is asked of the Registry, which adds what its rows say. */
export interface Asked {
  readonly subject: Subject;
  readonly subjectExpiresAtSeconds: number;
  readonly timeSeconds: number;
  readonly publicOrigin: string;
  readonly resource: PolicyResource;
  readonly wanted:
    | { readonly kind: 'target'; readonly targetId: string }
    | { readonly kind: 'broker' }
    | { readonly kind: 'permission'; readonly permission: string };
  readonly organizationPolicy: Policy;
}

export interface ExplainQuestion {
  readonly subject: Subject;
  readonly subjectExpiresAtSeconds: number;
  readonly timeSeconds: number;
  readonly publicOrigin: string;
  readonly wanted:
    | { readonly kind: 'target'; readonly project: Shards['project']; readonly target: Shards['target'] }
    | { readonly kind: 'broker'; readonly project: Shards['project'] }
    /** `target`: where it is asked there. `seen`: the resource as conditions see it. */
    | {
        readonly kind: 'permission';
        readonly target?: Shards['target'];
        readonly seen: BindingVariables['resource'];
        /** A right over the broker itself: it is asked for with a token of ours, which says nothing of the claims that came before it. */
        readonly isBrokers: boolean;
      };
  readonly path: readonly PathPolicy[];
  readonly rules: readonly PathRule[];
}

export interface ExplainedCondition extends Omit<ConditionExplanation, 'names'> {
  readonly expression: string;
  readonly title?: string;
}

export interface ExplainedBinding {
  readonly on: string;
  readonly role: string;
  /** As the audit line names it. */
  readonly shown: string;
  readonly members: readonly { readonly member: string; readonly matches: Certainty }[];
  readonly roleCounts: boolean;
  readonly condition?: ExplainedCondition;
  readonly access: Certainty;
}

export interface ExplainedRule {
  readonly on: string;
  readonly shown: string;
  readonly denied: Certainty;
  readonly excepted: Certainty;
  readonly concerns: readonly string[] | 'everything';
  readonly condition?: ExplainedCondition;
  readonly applies: Certainty;
}

export interface Explanation {
  readonly bindings: readonly ExplainedBinding[];
  readonly rules: readonly ExplainedRule[];
  /** The final word. */
  readonly access: Certainty;
  /** What an exchange would come to at that time; only where a token was shown, and not for permissions. */
  readonly exchange?:
    | { readonly granted: false; readonly denial: Denial }
    | {
        readonly granted: boolean;
        readonly roles: readonly string[];
        readonly binding?: string;
        readonly lifetimeSeconds: number;
      };
}

/** What stands above and beside one project, as the directory says it at the moment of the question. */
import { EMPTY_POLICY, type Policy } from '../../resources.ts';

/** What the directory says of what lies above and beside the project. */
export interface Above {
  readonly organizationPolicy: Policy;
  /** Pools and accounts of this project, as `administratorsOf` names them, that other projects' policies let administer. */
  readonly namedByProjects: readonly string[];
}

export const NOTHING_ABOVE: Above = { organizationPolicy: EMPTY_POLICY, namedByProjects: [] };

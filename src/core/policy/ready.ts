/** What the first condition would otherwise make its caller wait for: the parser's tables, the environments, the functions' first use. */
import { compileCondition, evaluateCondition } from './condition.ts';
import type { BindingVariables } from './variables.ts';

const SAMPLE =
  'request.time < timestamp("2000-01-01T00:00:00Z") || resource.matchTag("env", "x") || has(request.workload.pod)';
const VARIABLES: BindingVariables = { requestTimeSeconds: 1_000_000_000, resource: { tags: { env: 'x' }, tagIds: {} } };

/** Called once, when the Worker starts: nobody waits for that. One condition, and one of a binding: each more costs the start what it saves later. */
export function makeReady(): void {
  const condition = compileCondition(SAMPLE, 'binding');
  if (condition.ok) evaluateCondition(condition.value, VARIABLES);
}

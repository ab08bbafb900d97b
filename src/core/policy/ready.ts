/** What the first condition would otherwise make its caller wait for: the parser's tables, the environments, the functions' first use. */
import { compileCondition, evaluateCondition, type ConditionScope } from './condition.ts';
import type { AttributeVariables, BindingVariables } from './variables.ts';

const SAMPLES: readonly (readonly [ConditionScope, string, AttributeVariables | BindingVariables])[] = [
  [
    'attribute',
    'assertion.sub.startsWith("ns/")',
    { assertion: { sub: 'ns/' }, google: { subject: '' }, attribute: {} },
  ],
  [
    'binding',
    'request.time < timestamp("2000-01-01T00:00:00Z") || resource.matchTag("env", "x") || has(request.workload.pod)',
    { requestTimeSeconds: 1_000_000_000, resource: { tags: { env: 'x' }, tagIds: {} } },
  ],
];

/** Called once, when the Worker starts: nobody waits for that. */
export function makeReady(): void {
  for (const [scope, source, variables] of SAMPLES) {
    const condition = compileCondition(source, scope);
    if (condition.ok) evaluateCondition(condition.value, variables);
  }
}

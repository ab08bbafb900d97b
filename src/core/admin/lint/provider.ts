/** Lint of a provider at the moment it is written: what its condition and mapping let in that they were not meant to. */
import { looseHosts } from '../../policy/loose-hosts.ts';
import type { Provider } from '../../resources.ts';
import { createConditionReader } from './conditions.ts';
import { namesOnly } from './names-only.ts';
import { capped } from './warnings.ts';

export function lintProvider(provider: Provider, nowSeconds: number): readonly string[] {
  const { attributeCondition, attributeMapping } = provider;
  const ofCondition = createConditionReader()(attributeCondition, { scope: 'attribute', nowSeconds });
  const ofMapping = Object.entries(attributeMapping).flatMap(([key, expression]) =>
    looseHosts(expression).map(
      ({ line, column, message }) => `attributeMapping.${key}: line ${line}, column ${column}: ${message}`,
    ),
  );
  return capped([
    ...ofCondition.map((sentence) => `attributeCondition: ${sentence}`),
    ...ofMapping,
    ...namesOnly(provider),
  ]);
}

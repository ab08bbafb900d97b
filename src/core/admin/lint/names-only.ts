/** Names at shared issuers end: who registers `acme` after acme is gone is acme, unless a number stands beside the name (LESSONS §2, 19). */
import { valuesRead } from '../../policy/requires.ts';
import type { Provider } from '../../resources.ts';
import { createClaimReader, mappedClaims, sharedIssuerOf } from './shared-issuers.ts';

export function namesOnly(
  provider: Pick<Provider, 'issuerUri' | 'attributeMapping' | 'attributeCondition'>,
): readonly string[] {
  const { issuerUri, attributeMapping, attributeCondition } = provider;
  const twins = sharedIssuerOf(issuerUri)?.lastingTwins ?? {};
  const lasting = new Set(Object.values(twins));
  const claimsOf = createClaimReader(attributeMapping);
  const held = valuesRead(attributeCondition).flatMap(claimsOf);
  // With the tenant held by a number, names within it are the tenant's own to give.
  if (held.some((claim) => lasting.has(claim))) return [];
  const places = [
    ...placesOf('attributeCondition', held),
    ...Object.entries(attributeMapping).flatMap(([key, expression]) => {
      const claims = mappedClaims(expression);
      return claims.some((claim) => lasting.has(claim)) ? [] : placesOf(`attributeMapping.${key}`, claims);
    }),
  ];
  return places;

  function placesOf(field: string, claims: readonly string[]): readonly string[] {
    const names = [...new Set(claims)].filter((claim) => Object.hasOwn(twins, claim));
    if (names.length === 0) return [];
    const numbers = names.map((name) => twins[name]).join(' and ');
    return [
      `${field}: ${names.join(' and ')} can be registered again by somebody else once given up: compare ${numbers} in the condition as well`,
    ];
  }
}

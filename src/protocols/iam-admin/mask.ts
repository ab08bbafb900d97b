/** updateMask as it stands in a query → paths in camelCase; without one, every member that the input fills. */

/** Members that are documents of their own: a patch reaches into them instead of replacing them. */
const NESTED = ['kubernetes', 'oidc', 'aws', 'resource', 'quotaConfig'];

export function readMask(updateMask: string | undefined, input: object): readonly string[] {
  const paths = (updateMask ?? '').split(',').map((path) => camelCase(path.trim()));
  const named = paths.filter((path) => path !== '');
  return named.length > 0 ? [...new Set(named)] : populated(input);
}

/** Google's JSON says camelCase, its command lines often snake_case. */
export function camelCase(path: string): string {
  return path.replaceAll(/_([a-z0-9])/g, (_match, letter: string) => letter.toUpperCase());
}

function populated(input: object): readonly string[] {
  return Object.entries(input).flatMap(([field, value]: [string, unknown]) => {
    if (!NESTED.includes(field) || typeof value !== 'object' || value === null) return [field];
    return Object.keys(value).map((inner) => `${field}.${inner}`);
  });
}

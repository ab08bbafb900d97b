/** What the broker found wrong → where it stands in the files. */
import { isResource } from '../../client/administration.ts';
import type { ApiError } from '../../client/http.ts';
import type { FileFault } from './fault.ts';
import type { WishedDocument } from './read.ts';

/** Undefined where the refusal is about something else than what stands in the files. */
export function placedFaults(
  { code, details = [] }: ApiError,
  wishes: readonly WishedDocument[],
): readonly FileFault[] | undefined {
  if (code !== 'INVALID_ARGUMENT') return undefined;
  const documents = new Map(wishes.map((wish) => [wish.resource, wish]));
  const violations = details.filter(isResource).flatMap(({ fieldViolations }) => {
    return Array.isArray(fieldViolations) ? fieldViolations.filter(isResource) : [];
  });
  const faults = violations.map(({ field, description }) => {
    const [resource, path] = split(textOf(field));
    const wish = documents.get(resource);
    return wish === undefined ? undefined : placed(wish, path, textOf(description));
  });
  return faults.length === 0 || faults.includes(undefined) ? undefined : faults.filter((fault) => fault !== undefined);
}

/** `RESOURCE: path`, or the resource alone. */
function split(field: string): readonly [string, string] {
  const at = field.indexOf(': ');
  return at < 0 ? [field, ''] : [field.slice(0, at), field.slice(at + 2)];
}

/** The broker names an id by its parameter, and what is inside a policy or a role as the call on it does. */
const IDS = /^(targetId|accountId|roleId|policyId|workloadIdentityPoolId|workloadIdentityPoolProviderId)$/;
const AROUND = /^(policy|role|desired)\.(?=.)/;

function placed({ document }: WishedDocument, path: string, description: string): FileFault {
  if (path === '' || path === 'desired') return document.faultAt([], description);
  if (IDS.test(path)) return document.faultAt(['name'], `name ${description}`);
  const inside = path.replace(AROUND, '');
  const spelled = inside.endsWith('jwksJson') ? [inside.replace(/jwksJson$/, 'jwksFile'), inside] : [inside];
  const faults = spelled.map((one) => document.faultAtText(['spec'], one, `${inside}: ${description}`));
  // Of two spellings the one that is there is further in.
  return faults.reduce((best, one) =>
    one.line > best.line || (one.line === best.line && one.column > best.column) ? one : best,
  );
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/** JSON bodies of token requests: as forms, and whatever else JSON can hold or be mistaken for. */
import fc from 'fast-check';
import { oddValue, textEdits } from '../mutations.ts';
import { isStrictObject } from '../oracle/strict-json.ts';
import {
  JSON_TYPES,
  mayBeGranted,
  OTHER_TYPES,
  type Pair,
  parameterEdit,
  parameterName,
  rightPairs,
  rightToken,
  SUBJECT,
  usually,
} from '../parameters.ts';
import type { FuzzProperty } from '../property.ts';
import { ask, decode, expectExchange, letIn } from '../speak.ts';

export const jsonBodies: FuzzProperty = {
  name: 'JSON bodies of token requests',
  share: 14,
  check: (world, tally, options) =>
    fc.assert(
      fc.asyncProperty(
        fc.array(parameterEdit, { maxLength: 2 }),
        fc.array(fc.tuple(parameterName, oddValue), { maxLength: 1 }),
        fc.boolean(),
        textEdits,
        usually(JSON_TYPES, OTHER_TYPES),
        async (edits, odd, camel, textual, type) => {
          const token = await rightToken(world);
          const pairs = [...edits.reduce((all, edit) => edit(all), rightPairs(token)), ...odd];
          const spelled = pairs.map(
            ([key, said]) => `${JSON.stringify(camel ? camelCase(key) : key)}:${JSON.stringify(said)}`,
          );
          const body = textual(new TextEncoder().encode(`{${spelled.join(',')}}`));
          const init = { method: 'POST', headers: type === '' ? {} : { 'content-type': type }, body };
          const answer = await ask(world, '/v1/token', init, tally);
          const members = isStrictObject(body);
          const read: Pair[] = [...(members ?? [])].map(([key, said]) => [snakeCase(key), said]);
          const grantable =
            members !== undefined && JSON_TYPES.includes(type) && body.length <= 65_536 && mayBeGranted(read, token);
          expectExchange(world, answer, letIn(grantable ? SUBJECT : undefined), decode(body));
        },
      ),
      options,
    ),
};

function camelCase(key: string): string {
  return key.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
function snakeCase(key: string): string {
  return key.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

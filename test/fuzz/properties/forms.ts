/** Forms: parameters that are missing, repeated, misspelled, misplaced or of another type; granted exactly when CONTRACT grants it. */
import fc from 'fast-check';
import { textEdits } from '../mutations.ts';
import {
  FORM_TYPES,
  mayBeGranted,
  OTHER_TYPES,
  parameterEdit,
  rightPairs,
  rightToken,
  SUBJECT,
  usually,
} from '../parameters.ts';
import type { FuzzProperty } from '../property.ts';
import { ask, decode, expectExchange, letIn } from '../speak.ts';

const QUERIES = [
  '',
  '?x=1',
  '?',
  '?subject_token=x',
  '?%73ubjectToken=1',
  '?access_token=1',
  '?q=eyJhbGciOiJ9.eyJzdWIiOiJ9.c2ln',
];
export const forms: FuzzProperty = {
  name: 'forms',
  share: 14,
  check: (world, tally, options) =>
    fc.assert(
      fc.asyncProperty(
        fc.array(parameterEdit, { maxLength: 3 }),
        usually(FORM_TYPES, OTHER_TYPES),
        usually(QUERIES.slice(0, 3), QUERIES.slice(3)),
        fc.oneof({ weight: 5, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: textEdits }),
        async (edits, type, query, textual) => {
          const token = await rightToken(world);
          const pairs = edits.reduce((all, edit) => edit(all), rightPairs(token));
          const body = new TextEncoder().encode(
            pairs.map(([key, text]) => `${encodeURIComponent(key)}=${encodeURIComponent(String(text))}`).join('&'),
          );
          const sent = textual?.(body) ?? body;
          const init = { method: 'POST', headers: type === '' ? {} : { 'content-type': type }, body: sent };
          const answer = await ask(world, `/v1/token${query}`, init, tally);
          const typed = FORM_TYPES.includes(type) && QUERIES.indexOf(query) < 3;
          const grantable = typed && mayBeGranted(pairs, token);
          // Once its bytes were changed a form may mean anything; then a grant must still be this token's.
          if (textual !== undefined && sent !== body)
            expectExchange(world, answer, letIn(answer.status === 200 && typed ? SUBJECT : undefined), decode(sent));
          else expectExchange(world, answer, letIn(grantable ? SUBJECT : undefined), decode(sent));
        },
      ),
      options,
    ),
};

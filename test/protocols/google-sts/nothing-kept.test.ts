/** Of a token nothing stays in memory: V8 keeps the whole of a text for the sake of a part, so what is known again must be a copy. Seen in a snapshot of the heap. */
import { getHeapSnapshot } from 'node:v8';
import { expect, it } from 'vitest';
import { parseAssertion } from '../../../src/core/assertion.ts';
import { parseForm } from '../../../src/protocols/google-sts/request.ts';

const encoded = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');

/** One request as a workload sends it, spelt without escapes, so that its parameters are parts of the body. Answers how its payload begins. */
function ask(at: number): string {
  const payload = encoded({ sub: `${['never', 'kept', at].join('-')} ${'x'.repeat(1_500)}` });
  const token = `${encoded({ alg: 'RS256', kid: `${'k'.repeat(30)}-${at}` })}.${payload}.${'A'.repeat(342)}`;
  const parameters = [
    `subject_token=${token}`,
    `audience=//iam.googleapis.com/projects/123456789012/locations/global/workloadIdentityPools/a-pool-of-mine/providers/a-provider-${at}`,
    `resource=https://orders.example.com/${at}`,
    `scope=https://www.example.com/auth/scope-${at}`,
    'grant_type=urn:ietf:params:oauth:grant-type:token-exchange',
    'requested_token_type=urn:ietf:params:oauth:token-type:access_token',
    'subject_token_type=urn:ietf:params:oauth:token-type:jwt',
  ];
  const read = parseForm(Buffer.from(parameters.join('&')).toString('latin1'));
  if (!read.ok || !parseAssertion(read.value.subjectToken).ok) throw new Error('the request is not one');
  return Buffer.from(payload.slice(0, 30)).toString('latin1');
}

async function timesInHeap(texts: readonly string[]): Promise<readonly number[]> {
  const times = texts.map(() => 0);
  let rest = '';
  for await (const chunk of getHeapSnapshot()) {
    const seen = rest + String(chunk);
    rest = seen.slice(-29);
    for (const [at, text] of texts.entries()) times[at] = (times[at] ?? 0) + seen.split(text).length - 1;
  }
  return times;
}

it('what is known around a token, and of its header, keeps none of it', async () => {
  const begins = [0, 1, 2, 3].map(ask);
  // Itself alone; of the very last one, V8's regular expressions keep what they were last run on.
  expect((await timesInHeap(begins)).slice(0, 3)).toEqual([1, 1, 1]);
});

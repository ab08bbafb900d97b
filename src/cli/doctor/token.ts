/** A workload's token, as the broker would look at it: whose clock is wrong, or what else of it does not hold. */
import { isResource, type Resource } from '../../client/administration.ts';
import { cell } from '../columns.ts';
import { good, type Finding } from './finding.ts';

const FROM_THE_FUTURE = ['issued_in_future', 'not_yet_valid'];

/** `brokerMs`: the broker's own time, for it decides. */
export function tokenFinding(explained: Resource, claims: Resource, brokerMs: number): Finding {
  const { tokenExplanation } = explained;
  if (!isResource(tokenExplanation))
    return { check: 'token', status: 'unknown', message: 'the broker said nothing of the token' };
  const { provider, verified, check, reason } = tokenExplanation;
  const on = cell(provider);
  if (verified === true) return good('token', `the token holds, for ${on}`);
  const why = cell(check ?? reason);
  if (FROM_THE_FUTURE.includes(why)) {
    const from = [claims['iat'], claims['nbf']].filter((one) => typeof one === 'number');
    const seconds = Math.round(Math.max(...from) - brokerMs / 1_000);
    return {
      check: 'clock-skew',
      status: 'problem',
      on,
      message: `the cluster's clock is at least ${seconds} s ahead of the broker's: its tokens are refused (${why})`,
      fix: ['Let the clocks of its control plane be set by NTP; tokens that were made before stay as they are'],
    };
  }
  return {
    check: 'token',
    status: 'problem',
    on,
    message: `the token does not hold: ${why}`,
    fix: ['edge-sts inspect FILE shows what it says'],
  };
}

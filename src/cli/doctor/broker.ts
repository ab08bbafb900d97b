/** The broker itself: does it answer, is it ready, is its clock ours, is it where it thinks it is. */
import type { Readiness } from '../../client/documents.ts';
import { SECRETS_FILE } from '../secrets-file.ts';
import { good, type Finding } from './finding.ts';

const DEPLOY = `npx wrangler deploy --secrets-file ${SECRETS_FILE}`;

/** By what `/readyz` says; each reason begins with the name of what is missing (src/platform/settings.ts, readiness.ts). */
const REASONS: readonly (readonly [form: RegExp, check: string, fix: readonly string[]])[] = [
  [
    /^EDGE_STS_KEK is not the key/,
    'wrong-kek',
    [
      `Put the KEK that this deployment began with into ${SECRETS_FILE}, then: ${DEPLOY}`,
      'If it was changed on purpose: the old one as EDGE_STS_KEK_PREVIOUS beside it, until the keys are sealed anew',
    ],
  ],
  [/^EDGE_STS_KEK/, 'missing-secret', ['npx edge-sts init', DEPLOY]],
  [/^EDGE_STS_ADMIN_TOKEN/, 'missing-secret', ['npx edge-sts init', DEPLOY]],
  [/^PUBLIC_ORIGIN/, 'public-origin', ['npx edge-sts init --origin https://HOST', DEPLOY]],
];

export function readinessFindings(server: string, found: Readiness | undefined): readonly Finding[] {
  if (found === undefined) {
    return [
      {
        check: 'reachable',
        status: 'problem',
        on: server,
        message: 'something answers there, but it is no edge-sts broker',
      },
    ];
  }
  const reached = good('reachable', `${server} answers`);
  if (found.ready) return [reached, good('ready', 'everything that an exchange needs is there')];
  const { reason = '' } = found;
  const [, check = 'ready', fix = []] = REASONS.find(([form]) => form.test(reason)) ?? [];
  return [reached, { check, status: 'problem', on: server, message: reason, fix }];
}

/** A Date header has whole seconds, and the answer was under way for a while. */
const TOLERATED_MS = 5_000;

export function clockFinding(found: Readiness, askedAtMs: number, answeredAtMs: number): Finding {
  if (found.dateMs === undefined)
    return { check: 'clock-skew', status: 'unknown', message: 'the broker does not say its time' };
  const behind = found.dateMs - answeredAtMs;
  const ahead = askedAtMs - found.dateMs - 1_000;
  const skewMs = Math.max(behind, ahead, 0);
  if (skewMs <= TOLERATED_MS) return good('clock-skew', "this machine's clock and the broker's agree");
  const seconds = Math.round(skewMs / 1_000);
  return {
    check: 'clock-skew',
    status: 'problem',
    on: 'this machine',
    message: `this machine's clock is ${seconds} s ${behind > ahead ? 'behind' : 'ahead of'} the broker's: tokens that are made here look ${behind > ahead ? 'older than they are' : 'as if they came from the future'}`,
    fix: ['Let the clock be set by NTP (timedatectl set-ntp true)'],
  };
}

/** Tokens name PUBLIC_ORIGIN as their issuer; where that is not the address it is asked at, one of the two is wrong. */
export function originFinding(server: string, issuer: string): Finding {
  const origin = URL.canParse(issuer) ? new URL(issuer).origin : issuer;
  if (origin === server) return good('public-origin', `tokens name ${origin} as their issuer's origin`);
  return {
    check: 'public-origin',
    status: 'warning',
    on: server,
    message: `it is asked at ${server}, and its tokens name ${origin}: relying parties look there for its keys`,
    fix: [
      `If ${origin} is another name of it, ask it there: edge-sts login ${origin}`,
      'If not, set PUBLIC_ORIGIN right before anybody trusts it',
    ],
  };
}

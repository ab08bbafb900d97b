/** An exchange in words for the person at the terminal; colours only where there is one. */
import { styleText } from 'node:util';
import { decodeJwt, decodeProtectedHeader } from 'jose';
import { formEncode, type IssuedToken } from '../../client/client.ts';
import type { AuditLine } from './audit-lines.ts';

export interface ToldExchange {
  readonly workload: string;
  readonly issued: IssuedToken;
  readonly audit: AuditLine;
  readonly quota: { readonly used: number; readonly remaining: number } | undefined;
}

export function tellExchange({ workload, issued, audit, quota }: ToldExchange): string {
  const token = issued.access_token;
  const rows = [
    ['who asked', workload],
    ['known as', text(audit['principal'])],
    ['let in by', text(audit['binding'])],
    ['roles', text(audit['roles'])],
    ['lifetime', `${issued.expires_in} s`],
    ['quota', quota === undefined ? 'unknown' : `${quota.used} used, ${quota.remaining} left in this minute`],
    ['header', JSON.stringify(decodeProtectedHeader(token))],
  ].map(([name = '', value = '']) => `  ${styleText('dim', name.padEnd(9))}  ${value}`);
  const claims = JSON.stringify(decodeJwt(token), null, 2).replaceAll('\n', '\n  ');
  return [
    '',
    styleText('bold', 'One exchange: a Kubernetes token in, a federated token out'),
    ...rows,
    `  ${claims}`,
  ].join('\n');
}

/** One line that a shell takes as it is: every parameter is percent-encoded, so nothing in it needs care. */
export function curlFor(origin: string, parameters: Readonly<Record<string, string>>, validSeconds: number): string {
  const title = `The same by hand, with a fresh workload token (good for ${validSeconds / 3_600} hours):`;
  return ['', styleText('bold', title), `curl -sS ${origin}/v1/token -d '${formEncode(parameters)}'`, ''].join('\n');
}

function text(value: unknown): string {
  if (Array.isArray(value)) return value.map(text).join(', ');
  if (typeof value === 'string') return value;
  return value === undefined ? 'not told' : JSON.stringify(value);
}

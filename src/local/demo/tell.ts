/** An exchange in words for the person at the terminal; colours only where there is one. */
import { relative } from 'node:path';
import { styleText } from 'node:util';
import { decodeJwt, decodeProtectedHeader } from 'jose';
import { formEncode, type IssuedToken } from '../../client/client.ts';
import type { AuditLine } from './audit-lines.ts';

export interface ToldExchange {
  readonly workload: string;
  readonly issued: IssuedToken;
  readonly audit: AuditLine;
  readonly issuer: string;
  readonly otherCluster: { readonly providerId: string; readonly clusterUri: string };
  readonly quota: { readonly used: number; readonly remaining: number } | undefined;
}

export function tellExchange({ workload, issued, audit, quota, issuer, otherCluster }: ToldExchange): string {
  const token = issued.access_token;
  const rows = [
    ['who asked', workload],
    ['known as', text(audit['principal'])],
    ...bindingRows(text(audit['binding'])),
    ['roles', text(audit['roles'])],
    ['lifetime', `${issued.expires_in} s`],
    ['quota', quota === undefined ? 'unknown' : `${quota.used} used, ${quota.remaining} left in this minute`],
    ['header', JSON.stringify(decodeProtectedHeader(token))],
  ].map(([name = '', value = '']) => `  ${styleText('dim', name.padEnd(9))}  ${value}`);
  const claims = JSON.stringify(decodeJwt(token), null, 2).replaceAll('\n', '\n  ');
  return [
    '',
    styleText('bold', 'One exchange: a Kubernetes token in, a federated token out'),
    styleText(
      'dim',
      '  (The JSON line above is its audit line: every exchange writes one to stdout, granted or refused.)',
    ),
    ...rows,
    `  ${claims}`,
    '',
    `  ${otherCluster.providerId} (${otherCluster.clusterUri}) has the same issuer, ${issuer}, and other keys: the audience says which`,
    '  cluster is meant, never the issuer. The same ServiceAccount there is the same principal and gets demo.objectReader too, but not',
    "  demo.statusReader, which is bound to the workloads of the first cluster. Neither can pass off its tokens as the other one's.",
  ].join('\n');
}

/** The audit line has it in one word each: where, role, and the title of the condition if there is one. */
function bindingRows(binding: string): readonly (readonly string[])[] {
  const [, where, role, condition] = /^(\S+) (\S+)(?: \((.*)\))?$/.exec(binding) ?? [];
  if (where === undefined || role === undefined) return [['let in by', binding]];
  return [
    ['let in by', `a binding on    ${where}`],
    ['', `of the role     ${role}`],
    ['', `on condition    ${condition ?? 'none'}`],
  ];
}

/** One line that a shell takes as it is: every parameter is percent-encoded, so nothing in it needs care. */
export function curlFor(origin: string, parameters: Readonly<Record<string, string>>, validSeconds: number): string {
  const title = `The same by hand, with a fresh workload token (good for ${validSeconds / 3_600} hours):`;
  return ['', styleText('bold', title), `curl -sS ${origin}/v1/token -d '${formEncode(parameters)}'`, ''].join('\n');
}

/** Where the command line looks where nothing is said. */
const USUAL_ORIGIN = 'http://127.0.0.1:8787';
const USUAL_STATE = '.edge-sts/state';

/** The same for the command line: its tokens come from files. */
export function commandsFor(
  origin: string,
  stateFolder: string,
  workload: string,
  stranger: string,
  target: string,
): string {
  const server = origin === USUAL_ORIGIN ? '' : ` ${origin}`;
  const folder = shown(stateFolder) === USUAL_STATE ? '' : ` ${shown(stateFolder)}`;
  return [
    styleText('bold', 'The same with the command line (docs/cli.md), and what a stranger is told:'),
    `npx edge-sts login${server} --local${folder} -p demo`,
    `npx edge-sts exchange --subject-token-file ${shown(workload)} --resource ${target} | npx edge-sts inspect`,
    `npx edge-sts check --subject-token-file ${shown(stranger)} --target ${target}`,
    '',
  ].join('\n');
}

/** As it is typed in this folder, one word for a shell. */
function shown(path: string): string {
  const fromHere = relative(process.cwd(), path);
  const short = fromHere.startsWith('..') ? path : fromHere;
  return /^[\w./-]+$/.test(short) ? short : `'${short.replaceAll("'", String.raw`'\''`)}'`;
}

function text(value: unknown): string {
  if (Array.isArray(value)) return value.map(text).join(', ');
  if (typeof value === 'string') return value;
  return value === undefined ? 'not told' : JSON.stringify(value);
}

/** The audit line: one JSON object an exchange, and one a push, on stdout (CONTRACT). Members are named here one by one, so nothing slips in by spreading. */
import type { CredentialEvent } from '../../core/credentials/event.ts';
import type { ExchangeEvent, PushEvent } from '../../core/event.ts';
import type { TokenEvent } from '../../core/token-care/event.ts';
import { utf8ForOneCall } from '../for-one-call.ts';

/** Writes the line; the subject token leaves here only as its SHA-256. No task beside the request: the answer waits for its line, which is cheaper and cannot be lost. */
export function createAuditLog(write: (line: string) => void): (event: ExchangeEvent) => Promise<void> {
  return async (event) => {
    const token = event.rawSubjectToken;
    const subjectTokenSha256 = token === undefined ? undefined : hex(await digestOf(token));
    write(
      printable({
        event: 'exchange',
        time: new Date(event.timeMs).toISOString(),
        requestId: event.requestId,
        outcome: event.outcome,
        reason: event.reason,
        check: event.check,
        project: event.project,
        pool: event.pool,
        provider: event.provider,
        principal: event.principal,
        target: event.target,
        roles: event.roles,
        binding: event.binding,
        jti: event.tokenId,
        subjectTokenSha256,
        admittedAtMs: event.admittedAtMs,
        expiresIn: event.expiresInSeconds,
        dryRun: event.dryRuns?.map(({ on, value, error, inForce }) => ({ on, value, error, inForce })),
        durationsMs: event.durationsMs,
      }),
    );
  };
}

export function createPushAuditLog(write: (line: string) => void): (event: PushEvent) => Promise<void> {
  return async (event) => {
    const token = event.rawSubjectToken;
    const subjectTokenSha256 = token === undefined ? undefined : hex(await digestOf(token));
    write(
      printable({
        event: 'pushKeys',
        time: new Date(event.timeMs).toISOString(),
        requestId: event.requestId,
        outcome: event.outcome,
        reason: event.reason,
        check: event.check,
        project: event.project,
        pool: event.pool,
        provider: event.provider,
        principal: event.principal,
        subjectTokenSha256,
        kids: event.kids,
        thumbprints: event.thumbprints,
        durationsMs: event.durationsMs,
      }),
    );
  };
}

/** What a service account was made to sign, by whom; nothing that was signed is in it. */
export function createCredentialAuditLog(write: (line: string) => void): (event: CredentialEvent) => void {
  return (event) => {
    write(
      printable({
        event: 'credential',
        time: new Date(event.timeMs).toISOString(),
        requestId: event.requestId,
        outcome: event.outcome,
        reason: event.reason,
        check: event.check,
        method: event.method,
        project: event.project,
        principal: event.principal,
        account: event.account,
        delegates: event.delegates,
        jti: event.tokenId,
        kid: event.keyId,
        admittedAtMs: event.admittedAtMs,
        expiresIn: event.expiresInSeconds,
        durationsMs: event.durationsMs,
      }),
    );
  };
}

/** What was done with tokens that are out. */
export function createTokenAuditLog(write: (line: string) => void): (event: TokenEvent) => void {
  return (event) => {
    write(
      printable({
        event: 'token',
        time: new Date(event.timeMs).toISOString(),
        requestId: event.requestId,
        outcome: event.outcome,
        reason: event.reason,
        method: event.method,
        project: event.project,
        principal: event.principal,
        jti: event.tokenId,
        revokedPrincipal: event.revokedPrincipal,
        revokedBefore: event.revokedBefore,
        expiresIn: event.expiresInSeconds,
      }),
    );
  };
}

function digestOf(token: string): Promise<ArrayBuffer> {
  return subtle.digest('SHA-256', utf8ForOneCall(token));
}

// Control characters that JSON leaves as they are, and those that turn the reading direction: a terminal would obey them.
const UNPRINTABLE = /[\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g;

function printable(line: object): string {
  return JSON.stringify(line).replaceAll(
    UNPRINTABLE,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

const { subtle } = crypto;
function hex(digest: ArrayBuffer): string {
  return new Uint8Array(digest).toHex();
}

/** A fault of ours: its kind and where it happened, never its message, which may quote a token. */
export function createFaultLog(
  write: (line: string) => void,
  nowMs: () => number,
): (requestId: string, fault: unknown) => void {
  return (requestId, fault) => {
    const name = fault instanceof Error ? fault.name : 'unknown';
    const frames = fault instanceof Error ? (fault.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line)) : [];
    const time = new Date(nowMs()).toISOString();
    write(
      JSON.stringify({ event: 'fault', time, requestId, name, at: frames.slice(0, 8).map((frame) => frame.trim()) }),
    );
  };
}

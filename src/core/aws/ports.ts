/** What AWS's door needs from the world beside what every exchange does. */
import type { Denial } from '../denial.ts';
import type { ExchangePorts } from '../ports.ts';
import type { Result } from '../result.ts';
import type { RoleSession } from './session.ts';
import type { SigV4Crypto } from './sigv4/verify.ts';

export interface SessionCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string;
}

export interface OpenedSession {
  readonly session: RoleSession;
  readonly secretAccessKey: string;
}

export interface AwsPorts {
  readonly exchange: ExchangePorts;
  readonly crypto: SigV4Crypto;
  /** The project that says it is this account, as far as is known: its own row has the last word. Undefined: none is known. */
  projectOfAccount(accountId: string): Promise<Result<string | undefined, Denial>>;
  /** New credentials for a session; nothing of them is kept. */
  makeCredentials(session: RoleSession): Promise<SessionCredentials>;
  /** Undefined: the token was not sealed by us for this key id. It may be over. */
  openSession(accessKeyId: string, sessionToken: string): Promise<OpenedSession | undefined>;
  /** Are its principal's sessions of then revoked? */
  isSessionRevoked(
    session: Pick<RoleSession, 'projectNumber' | 'principal' | 'issuedAtSeconds'>,
  ): Promise<Result<boolean, Denial>>;
  /** For a message that only `DecodeAuthorizationMessage` opens, and only for the account that it is about. */
  sealMessage(accountId: string, text: string): Promise<string>;
  openMessage(accountId: string, message: string): Promise<string | undefined>;
}

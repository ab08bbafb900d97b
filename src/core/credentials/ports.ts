/** What the credentials of service accounts need from the world. */
import type { Impersonable, ImpersonationAsked } from '../admin/authority/impersonation.ts';
import type { Identity } from '../admin/caller.ts';
import type { AdminDenial } from '../admin/denial.ts';
import type { Denial } from '../denial.ts';
import type { NoPermit, Permit, SignInput, SignWith } from '../ports.ts';
import type { Result } from '../result.ts';
import type { CredentialEvent } from './event.ts';

export interface CredentialPorts {
  readonly publicOrigin: string;
  nowMs(): number;
  newTokenId(): string;
  /** The number of the project of this id; undefined: there is none. */
  projectNumberOf(projectId: string): Promise<Result<string | undefined, AdminDenial>>;
  /** Of the authority over that project, at this moment: no copy at the edge decides whose credentials these are. */
  impersonation(
    projectNumber: string,
    identity: Identity,
    asked: ImpersonationAsked,
  ): Promise<Result<Impersonable, AdminDenial>>;
  /** One unit of the project's `credentialGenerationsPerMinute`. */
  spend(projectNumber: string, requestId: string): Promise<Result<Permit, NoPermit>>;
  sign(input: SignInput): Promise<Result<{ readonly jwt: string; readonly kid: string }, Denial>>;
  signBytes(
    input: SignWith,
    bytes: Uint8Array<ArrayBuffer>,
  ): Promise<Result<{ readonly signature: Uint8Array<ArrayBuffer>; readonly kid: string }, Denial>>;
  record(event: CredentialEvent): void;
}

/** What somebody should be woken for, as one JSON line on stdout: members are named here one by one, so nothing slips in by spreading. */
import type { Caller } from '../../core/admin/caller.ts';
import type { IssuerKeysChanged } from '../../core/admin/applied.ts';
import { providerName } from '../../core/names.ts';

export function alertLine(alert: IssuerKeysChanged, { name, requestId }: Caller, time: string): string {
  const { provider, source, addedThumbprints, removedThumbprints } = alert;
  return printable({
    event: 'alert',
    kind: 'issuer_keys_changed',
    time,
    ...(requestId === '' ? {} : { requestId }),
    project: provider.projectNumber,
    pool: provider.poolId,
    provider: providerName(provider),
    source,
    addedThumbprints,
    removedThumbprints,
    actor: name,
  });
}

/** An actor may be a subject that an issuer spelled: beyond ASCII nothing reaches a terminal as it is. */
function printable(line: object): string {
  return JSON.stringify(line).replaceAll(
    /[^\u0020-\u007e]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

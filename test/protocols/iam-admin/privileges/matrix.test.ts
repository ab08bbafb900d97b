/** Who may do what: every administrative call by every role, and every way to more than one has. Each cell is asked of a world of its own. */
import { describe, expect, it } from 'vitest';
import { CALLS, ESCALATIONS, PEOPLE, privilegesWorld, type AdminCall } from './world.ts';

/**
 * One column for each of `PEOPLE`, in their order: owner of the organization, owner of the project, pool admin, pool viewer, project IAM admin,
 * quota admin, quota viewer, service account admin, role admin, deny admin, target admin, target viewer, security reviewer; then the custom
 * roles that write targets, the project, and policies; then a user without any role. `+`: done. `.`: refused for want of a right.
 */
const TABLE: Readonly<Record<keyof typeof CALLS, string>> = {
  //                      OoPpiQqaRDTtr tew -
  'project get': '       ++++++++++..+ .+. .',
  'project create': '    +............ ... .',
  'project rename': '    ++........... .+. .',
  'project delete': '    ++........... ... .',
  'project policy get': '++..+.......+ ... .',
  'org policy get': '    +............ ... .',
  'pool list': '         ++++........+ ... .',
  'pool get': '          ++++........+ ... .',
  'pool create': '       +++.......... ... .',
  'pool patch': '        +++.......... ... .',
  'pool denyUids': '     +++.......... ... .',
  'pool delete': '       +++.......... ... .',
  'pool undelete': '     +++.......... ... .',
  'pool policy get': '   ++++........+ ... .',
  'provider list': '     ++++........+ ... .',
  'provider get': '      ++++........+ ... .',
  'provider create': '   +++.......... ... .',
  'provider patch': '    +++.......... ... .',
  'provider distrustKey': '+++.......... ... .',
  'provider delete': '   +++.......... ... .',
  'provider undelete': ' +++.......... ... .',
  'operation get': '     ++++........+ ... .',
  'target list': '       ++........+++ ... .',
  'target get': '        ++........+++ +.. .',
  'target rename': '     ++........+.. +.. .',
  'target create': '     ++........+.. ... .',
  'target delete': '     ++........+.. ... .',
  'target policy get': ' ++........+++ ... .',
  'target policy clear': '++........+.. ..+ .',
  'account list': '     ++.....+....+ ... .',
  'account get': '      ++.....+....+ ... .',
  'account create': '   ++.....+..... ... .',
  'account patch': '    ++.....+..... ... .',
  'account disable': '  ++.....+..... ... .',
  'account enable': '   ++.....+..... ... .',
  'account delete': '   ++.....+..... ... .',
  'account undelete': ' ++.....+..... ... .',
  'account keys list': '++.....+....+ ... .',
  'account policy get': '++.....+....+ ... .',
  'account policy clear': '++.....+..... ... .',
  'role list': '         ++..+...+...+ ... .',
  'role get': '          ++..+...+...+ ... .',
  'role create': '       ++......+.... ... .',
  'role delete': '       ++......+.... ... .',
  'denial get': '        ++.......+..+ ... .',
  'denial list': '       ++.......+..+ ... .',
  'denial create': '     ++.......+... ... .',
  'quota wish': '        ++...+....... ... .',
  'quota wishes': '      ++...++.....+ ... .',
  'quota withdraw': '    ++...+....... ... .',
  'quota infos': '       ++...++.....+ ... .',
  usage: '               ++...++.....+ ... .',
  'recent exchanges': '  ++..........+ ... .',
  simulate: '            ++..+.......+ ... .',
  troubleshoot: '        ++..+.......+ ... .',
  'keys list': '         ++..........+ ... .',
  'account token keys list': '++..........+ ... .',
  'account’s own keys list': '++..........+ ... .',
  'history list': '      ++..........+ ... .',
  'history show': '      ++..........+ ... .',
  'history compare': '   ++..........+ ... .',
  metrics: '            ++..........+ ... .',
  'configuration list': '++..........+ ... .',
  'configuration look': '++........... ... .',
  'configuration stage': '++........... ... .',
  'org history list': '  +............ ... .',
};

/** The same columns. Who comes closest, and the right that he is told he lacks. */
const WAYS_UP: Readonly<Record<keyof typeof ESCALATIONS, readonly [cells: string, closest: string, lacks: string]>> = {
  'owner on the organization': ['+............ ... .', 'owner', 'resourcemanager.organizations.setIamPolicy'],
  'owner on the project': ['++........... ... .', 'iamAdmin', 'cloudquotas.quotas.approve'],
  'owner on a pool': ['++........... ... .', 'poolAdmin', 'cloudquotas.quotas.approve'],
  'a role on a target': ['++........... ... .', 'targetAdmin', 'orders.get'],
  'provider keys': ['++........... ... .', 'poolAdmin', 'iam.policies.escalate'],
  'provider issuer': ['++........... ... .', 'poolAdmin', 'iam.policies.escalate'],
  'attribute mapping': ['++........... ... .', 'poolAdmin', 'iam.policies.escalate'],
  'attribute condition': ['++........... ... .', 'poolAdmin', 'iam.policies.escalate'],
  audiences: ['++........... ... .', 'poolAdmin', 'iam.policies.escalate'],
  algorithms: ['++........... ... .', 'poolAdmin', 'iam.policies.escalate'],
  'token lifetime': ['++........... ... .', 'poolAdmin', 'iam.policies.escalate'],
  'a state of before': ['++........... ... .', 'iamAdmin', 'sts.history.restore'],
  'a policy of before': ['++........... ... .', 'iamAdmin', 'sts.history.restore'],
  'the organization of before': ['+............ ... .', 'owner', 'sts.history.restore'],
  'a provider of one’s own': ['++........... ... .', 'poolAdmin', 'iam.policies.escalate'],
  'a cluster’s reviewer': ['++........... ... .', 'poolAdmin', 'sts.targets.setIamPolicy'],
  'the administrators’ pool gone': ['++........... ... .', 'poolAdmin', 'iam.policies.escalate'],
  'their provider gone': ['++........... ... .', 'poolAdmin', 'iam.policies.escalate'],
  'a provider of theirs back': ['++........... ... .', 'poolAdmin', 'iam.policies.escalate'],
  'the administrators’ pool': ['++........... ... .', 'poolAdmin', 'iam.policies.escalate'],
  'shutting administrators out': ['++........... ... .', 'poolAdmin', 'iam.policies.escalate'],
  'a service account’s tokens': ['++........... ... .', 'accountAdmin', 'iam.serviceAccounts.getAccessToken'],
  'an administrator’s tokens': ['++........... ... .', 'accountAdmin', 'iam.policies.escalate'],
  'an administrator’s account': ['++........... ... .', 'accountAdmin', 'iam.policies.escalate'],
  'target uri': ['++........+.. ... .', 'targetWriter', 'sts.targets.setIamPolicy'],
  'target tags': ['++........+.. ... .', 'targetWriter', 'sts.targets.setIamPolicy'],
  'target tagIds': ['++........+.. ... .', 'targetWriter', 'sts.targets.setIamPolicy'],
  'target resource': ['++........+.. ... .', 'targetWriter', 'sts.targets.setIamPolicy'],
  'a bound role': ['++........... ... .', 'roleAdmin', 'orders.delete'],
  'a role of one’s own': ['++........... ... .', 'roleAdmin', 'sts.targets.setIamPolicy'],
  'a denial gone': ['++........... ... .', 'denyAdmin', 'iam.policies.escalate'],
  'a denial weaker': ['++........... ... .', 'denyAdmin', 'iam.policies.escalate'],
  'a higher limit': ['+............ ... .', 'projectEditor', 'cloudquotas.quotas.approve'],
  'a limit of one’s own': ['++........... ... .', 'projectEditor', 'cloudquotas.quotas.update'],
  'a wish approved': ['+............ ... .', 'owner', 'cloudquotas.quotas.approve'],
  'new keys of accounts': ['++........... ... .', 'reviewer', 'sts.signingKeys.rotate'],
  'new keys of an account': ['++........... ... .', 'accountAdmin', 'sts.signingKeys.rotate'],
  'new signing keys': ['++........... ... .', 'reviewer', 'sts.signingKeys.rotate'],
  'the bootstrap token retired': ['+............ ... .', 'owner', 'iam.policies.escalate'],
};

async function ask(call: AdminCall, name: string) {
  const rest = await privilegesWorld();
  return rest.call(call.method, call.path, call.body, `user:${name.toLowerCase()}@example.com`);
}

async function cellsOf(call: AdminCall): Promise<string> {
  const answers = await Promise.all(Object.keys(PEOPLE).map((name) => ask(call, name)));
  return answers.map(({ status }) => (status === 200 ? '+' : status === 403 ? '.' : ` ${status} `)).join('');
}

const isListed = (table: object, calls: object): void =>
  expect(Object.keys(table).toSorted()).toEqual(Object.keys(calls).toSorted());

describe('a role', () => {
  it('is asked about every call', () => isListed(TABLE, CALLS));

  it.each(Object.entries(CALLS))('may do what its rights say, and nothing else: %s', async (name, call) => {
    expect(await cellsOf(call)).toBe(TABLE[name]?.replaceAll(' ', ''));
  });
});

describe('a way up', () => {
  it('is not forgotten', () => isListed(WAYS_UP, ESCALATIONS));

  it.each(Object.entries(ESCALATIONS))('is closed to all but those who are there already: %s', async (name, call) => {
    const [cells, closest, lacks] = WAYS_UP[name] ?? ['', '', ''];
    expect(await cellsOf(call)).toBe(cells.replaceAll(' ', ''));
    const answer = await ask(call, closest);
    expect(answer.body).toMatchObject({
      error: { code: 403, status: 'PERMISSION_DENIED', details: [{ metadata: { permission: lacks } }] },
    });
  });
});

/** `whoami`: which broker, which token, and what it may do there. */
import type { Command } from 'commander';
import { ORGANIZATION } from '../../client/administration.ts';
import { connect } from '../connection.ts';
import { addExamples } from '../examples.ts';
import { decodeToken } from '../jwt.ts';
import { print } from '../output.ts';
import { answered } from '../reply.ts';
import type { CliWorld } from '../world.ts';

/** Enough to tell an administrator from a reader, in the words of the roles. */
const ON_ORGANIZATION = ['iam.policies.escalate', 'resourcemanager.projects.create', 'cloudquotas.quotas.approve'];
const ON_PROJECT = [
  'resourcemanager.projects.get',
  'resourcemanager.projects.setIamPolicy',
  'iam.workloadIdentityPoolProviders.create',
  'iam.roles.create',
  'sts.targets.create',
  'sts.policies.troubleshoot',
  'sts.history.restore',
];

export function whoamiCommand(program: Command, world: CliWorld): void {
  const command = program
    .command('whoami')
    .description('Show which broker is asked, and what your token may do there.')
    .action(() => whoami(command, world));
  addExamples(command, 'edge-sts whoami', 'edge-sts whoami --project my-project --json');
}

async function whoami(command: Command, world: CliWorld): Promise<void> {
  const { server, project, token, administration } = await connect(command, world);
  const held = async (name: string, permissions: readonly string[]): Promise<readonly string[]> => {
    const { permissions: found } = answered(
      `rights on ${name}`,
      await administration.call(name, 'testIamPermissions', { permissions }),
    );
    return Array.isArray(found) ? found.filter((one) => typeof one === 'string') : [];
  };
  const onOrganization = await held(ORGANIZATION, ON_ORGANIZATION);
  const onProject = project === undefined ? undefined : await held(`projects/${project}`, ON_PROJECT);
  const bearer = bearerOf(token);
  print(command, world, {
    value: {
      server,
      ...(bearer === undefined ? {} : { bearer }),
      signedIn: token !== undefined,
      ...(project === undefined ? {} : { project }),
      permissions: {
        [ORGANIZATION]: onOrganization,
        ...(onProject === undefined ? {} : { [`projects/${project}`]: onProject }),
      },
    },
    text: (paint) =>
      [
        `${paint('dim', 'server')}   ${server}`,
        `${paint('dim', 'as')}       ${bearer?.principal ?? 'whoever holds this token (it says no name)'}${bearer?.expireTime === undefined ? '' : `, until ${bearer.expireTime}`}`,
        `${paint('dim', 'project')}  ${project ?? 'none chosen'}`,
        `${paint('dim', 'may')}      ${[...onOrganization, ...(onProject ?? [])].join(', ') || 'nothing that was asked about'}`,
        '',
      ].join('\n'),
  });
}

/** What a token of the broker's says of its bearer; the bootstrap token is a word without a meaning. */
function bearerOf(
  token: string | undefined,
): { readonly principal?: string; readonly expireTime?: string } | undefined {
  if (token?.split('.').length !== 3) return undefined;
  const { principal, sub, exp } = decodeToken(token, 'The token').claims;
  const name = typeof principal === 'string' ? principal : sub;
  return {
    ...(typeof name === 'string' ? { principal: name } : {}),
    ...(typeof exp === 'number' ? { expireTime: new Date(exp * 1_000).toISOString() } : {}),
  };
}

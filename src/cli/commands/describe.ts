/** `describe`: one resource with what belongs to it: its policy, its keys, what lies in it, who changed it last. */
import type { Command } from 'commander';
import { isResource, type Resource } from '../../client/administration.ts';
import { kindOf, type KindName } from '../../client/kinds.ts';
import { tableOf } from '../columns.ts';
import { connect, type Connection } from '../connection.ts';
import { addExamples } from '../examples.ts';
import { EXIT } from '../exit-codes.ts';
import { CliFault, usageFault } from '../fault.ts';
import { entriesTable } from '../history-table.ts';
import { print, toYaml } from '../output.ts';
import { policyText, readPolicy } from '../policies.ts';
import { readReferences, shortName } from '../references.ts';
import { answered } from '../reply.ts';
import { renderTable } from '../table.ts';
import { visibleLines, type Paint } from '../terminal.ts';
import type { CliWorld } from '../world.ts';

interface Described {
  readonly resource: Resource;
  readonly policy?: Resource;
  readonly denyPolicies?: readonly Resource[];
  readonly providers?: readonly Resource[];
  readonly pools?: readonly Resource[];
  readonly quotas?: readonly Resource[];
  readonly lastChanges?: readonly Resource[];
}

const LAST_CHANGES = 5;

export function describeCommand(program: Command, world: CliWorld): void {
  const command = program
    .command('describe')
    .description('Show one resource with what belongs to it: policy, keys, quota, last changes.')
    .argument('<what...>', 'KIND/ID, KIND ID or a whole name')
    .option('--pool <id>', "the pool that providers are in (the project's own, PROJECT.svc.id.goog)")
    .option('--attached-to <target>', 'of deny policies: target/ID, else the project')
    .action((what: readonly string[]) => describe(command, world, what));
  addExamples(command, 'edge-sts describe project/my-project', 'edge-sts describe target/orders -p my-project -o yaml');
}

async function describe(command: Command, world: CliWorld, what: readonly string[]): Promise<void> {
  const connection = await connect(command, world);
  const [reference, ...others] = await readReferences(command, connection, what);
  if (reference?.name === undefined || others.length > 0) {
    throw usageFault('Describe one resource: KIND/ID', 'For a list: edge-sts get KIND');
  }
  const { kind, name } = reference;
  const resource = answered(`get ${name}`, await connection.administration.get(name));
  const described = { resource, ...(await belonging(connection, kind.name, name, resource)) };
  print(command, world, {
    value: described,
    names: [name],
    text: (paint) => render(kind.name, described, paint, world.nowMs()),
  });
}

/** What hangs on it. What the caller may not read is left out: the resource itself is what he asked for. */
async function belonging(
  { administration, ...connection }: Connection,
  kind: KindName,
  name: string,
  resource: Resource,
): Promise<Omit<Described, 'resource'>> {
  const projectName = /^projects\/[^/]+/.exec(name)?.[0];
  const listed = async (of: KindName, collection: string): Promise<readonly Resource[] | undefined> => {
    const reply = await administration.list(kindOf(of), collection);
    return reply.ok ? reply.value : undefined;
  };
  const changes = async (row?: string): Promise<readonly Resource[] | undefined> => {
    if (projectName === undefined) return undefined;
    const query = row === undefined ? {} : { resource: row };
    const reply = await administration.history(projectName, { limit: LAST_CHANGES, query });
    return reply.ok ? reply.value : undefined;
  };
  const policy = async (): Promise<Resource | undefined> =>
    readPolicy({ administration, ...connection }, name).catch((fault: unknown) => {
      if (fault instanceof CliFault && fault.exitCode === EXIT.refused) return undefined;
      throw fault;
    });
  switch (kind) {
    case 'project':
      return filled({
        policy: await policy(),
        pools: await listed('pool', `${name}/${kindOf('pool').collection}`),
        quotas: await listed('quota', `${name}/${kindOf('quota').collection}`),
        lastChanges: await changes(),
      });
    case 'pool':
      return filled({
        policy: await policy(),
        providers: await listed('provider', `${name}/${kindOf('provider').collection}`),
        lastChanges: await changes(`pool/${shortName(name)}`),
      });
    case 'provider':
      return filled({
        lastChanges: await changes(`provider/${shortName(name.replace(/\/providers\/.*/, ''))}/${shortName(name)}`),
      });
    case 'target':
      return filled({ policy: await policy(), lastChanges: await changes(`target/${shortName(name)}`) });
    case 'serviceaccount':
      return filled({
        policy: await policy(),
        lastChanges: await changes(`serviceAccount/${shortName(name).replace(/@.*/, '')}`),
      });
    case 'role':
      return filled({ lastChanges: await changes(`role/${shortName(String(resource['name']))}`) });
    default:
      return {};
  }
}

function filled<T extends object>(members: T): { [Member in keyof T]?: Exclude<T[Member], undefined> } {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what is undefined has just been left out
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as {
    [Member in keyof T]?: Exclude<T[Member], undefined>;
  };
}

function render(kind: KindName, described: Described, paint: Paint, nowMs: number): string {
  const { resource, policy, providers, pools, quotas, lastChanges } = described;
  const heading = (text: string): string => paint('bold', text);
  const table = (of: KindName, rows: readonly Resource[]): string => renderTable(tableOf(of, rows, nowMs), heading);
  const sections: readonly (readonly [string, string | undefined])[] = [
    [kind, visibleLines(toYaml(withoutKeyMaterial(resource)))],
    ['policy', policy && policyText(policy, heading)],
    ['pools', pools && table('pool', pools)],
    ['providers', providers && table('provider', providers)],
    ['quotas', quotas && table('quota', quotas)],
    ['last changes', lastChanges && renderTable(entriesTable(lastChanges), heading)],
  ];
  return sections
    .flatMap(([title, text]) => (text === undefined ? [] : [`${paint('cyan', title)}\n${indented(text)}`]))
    .join('\n');
}

/** A JWKS fills screens and tells nobody anything; its kids and thumbprints stand under `keys`. */
function withoutKeyMaterial(resource: Resource): Resource {
  const shortened = (value: unknown): unknown =>
    isResource(value) && typeof value['jwksJson'] === 'string' ? { ...value, jwksJson: '(see -o yaml)' } : value;
  return Object.fromEntries(Object.entries(resource).map(([member, value]) => [member, shortened(value)]));
}

function indented(text: string): string {
  return text.replaceAll(/^(?=.)/gm, '  ');
}

/** How people name things, `provider/cluster-one` as in kubectl or the whole name as in the API, and what that is called on the wire. */
import type { Command } from 'commander';
import { ORGANIZATION } from '../client/administration.ts';
import { collectionOf, findKind, kindOfName, KINDS, type Kind, type ResourceName } from '../client/kinds.ts';
import { needProject, type Connection } from './connection.ts';
import { usageFault } from './fault.ts';
import { answered } from './reply.ts';

export interface Reference {
  readonly kind: Kind;
  /** Absent: all of them. */
  readonly name?: ResourceName;
  readonly collection: ResourceName;
}

export interface PlaceOptions {
  readonly pool?: string;
  readonly attachedTo?: string;
}

/** `KIND`, `KIND ID…`, `KIND/ID…` or whole names. */
export async function readReferences(
  command: Command,
  connection: Connection,
  words: readonly string[],
): Promise<readonly Reference[]> {
  const [first, ...others] = words;
  if (first === undefined) throw usageFault('What? Name a kind, such as targets.', `Kinds: ${kindList()}`);
  const kind = findKind(first);
  if (kind === undefined) return Promise.all(words.map((word) => readOne(command, connection, word)));
  const collection = await collectionFor(command, connection, kind);
  if (others.length === 0) return [{ kind, collection }];
  return others.map((id) => ({ kind, collection, name: nameOf(kind, collection, id) }));
}

async function readOne(command: Command, connection: Connection, word: string): Promise<Reference> {
  const whole = word.replace(/^\/\/[^/]+\//, '').replace(/^\/?v[12]\//, '');
  const known = kindOfName(whole);
  if (known !== undefined) return { kind: known, name: whole, collection: whole.replace(/\/[^/]+$/, '') };
  const [kindWord = '', id = '', ...rest] = word.split('/');
  const kind = findKind(kindWord);
  if (kind === undefined || id === '' || rest.length > 0) {
    throw usageFault(
      `${JSON.stringify(word)} names nothing: say KIND/ID, or a whole name as in the API.`,
      `Kinds: ${kindList()}`,
    );
  }
  const collection = await collectionFor(command, connection, kind);
  return { kind, collection, name: nameOf(kind, collection, id) };
}

async function collectionFor(command: Command, connection: Connection, kind: Kind): Promise<ResourceName> {
  const options = command.optsWithGlobals<PlaceOptions>();
  if (kind.parent === 'root') return kind.collection;
  const project = needProject(connection);
  const pool = kind.parent === 'pool' ? await poolIn(connection, options) : undefined;
  const collection = collectionOf(kind, {
    project,
    ...(pool === undefined ? {} : { pool }),
    ...(options.attachedTo === undefined ? {} : { attachment: attachment(project, options.attachedTo) }),
  });
  if (typeof collection !== 'string') throw usageFault(`Which ${collection.missing}? Say --${collection.missing} ID.`);
  return collection;
}

/** The pool that every project has from the start, unless another one is named. */
export async function poolIn(connection: Connection, { pool }: PlaceOptions): Promise<string> {
  if (pool !== undefined) return pool;
  const project = needProject(connection);
  if (!/^[0-9]+$/.test(project)) return `${project}.svc.id.goog`;
  const { projectId } = answered(`get projects/${project}`, await connection.administration.get(`projects/${project}`));
  return `${String(projectId)}.svc.id.goog`;
}

function attachment(project: string, word: string): string {
  const [, target] = /^(?:targets?|projects\/[^/]+\/targets)\/([^/]+)$/.exec(word) ?? [];
  if (target === undefined) throw usageFault('--attached-to: say target/ID; without it the project is meant.');
  return `projects/${project}/targets/${target}`;
}

/** What has an allow policy: the organization, a project, a pool, a target, a service account. No word: the project. */
export async function policyResource(command: Command, connection: Connection, word?: string): Promise<ResourceName> {
  if (word === undefined) return `projects/${needProject(connection)}`;
  if (['organization', 'organizations/1', 'org'].includes(word)) return ORGANIZATION;
  if (word === 'project') return `projects/${needProject(connection)}`;
  const { kind, name } = await readOne(command, connection, word);
  if (name === undefined || !['project', 'pool', 'target', 'serviceaccount'].includes(kind.name)) {
    throw usageFault(`A ${kind.name} has no policy; organization, projects, pools, targets and service accounts have.`);
  }
  return name;
}

function nameOf(kind: Kind, collection: ResourceName, id: string): ResourceName {
  // Google's names have the address or the digits; the account's id alone is not found, which would read as if it were not there.
  if (kind.name === 'serviceaccount' && !/@|^[0-9]+$/.test(id)) {
    throw usageFault(
      `${JSON.stringify(id)}: a service account is named by its whole address, NAME@PROJECT.iam.DOMAIN, or its unique id.`,
      'What they are called: edge-sts get serviceaccounts',
    );
  }
  return nameIn(collection, id);
}

function nameIn(collection: ResourceName, id: string): ResourceName {
  // The address of a service account is written as it is, as in Google's names.
  return `${collection}/${encodeURIComponent(id).replaceAll('%40', '@')}`;
}

export function kindList(): string {
  return KINDS.map(({ plural }) => plural).join(', ');
}

/** `orders` of `projects/demo/targets/orders`. */
export function shortName(name: unknown): string {
  return typeof name === 'string' ? decodeURIComponent(name.slice(name.lastIndexOf('/') + 1)) : '';
}

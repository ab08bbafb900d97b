/** The administration over HTTP: any resource by its name, any collection with all its pages, any verb. Shapes are the API's own (docs/design/openapi.md). */
import { ask, type ClientOptions, type Reply } from './http.ts';
import type { Kind, ResourceName } from './kinds.ts';

/** A document as the API shows it. */
export type Resource = Readonly<Record<string, unknown>>;

export type Query = Readonly<Record<string, string | undefined>>;

export interface ListOptions {
  readonly showDeleted?: boolean;
  /** No more than so many; absent: all. */
  readonly limit?: number;
  readonly query?: Query;
  /** After each page: how many there are by now. */
  readonly onPage?: (count: number) => void;
}

export interface Administration {
  get(name: ResourceName, query?: Query): Promise<Reply<Resource>>;
  /** All pages, one after the other. */
  list(kind: Kind, collection: ResourceName, options?: ListOptions): Promise<Reply<readonly Resource[]>>;
  create(kind: Kind, collection: ResourceName, id: string, body: Resource): Promise<Reply<Resource>>;
  /** `mask` names what is to change; what it names and the body does not say is set to its default. */
  patch(name: ResourceName, body: Resource, mask: readonly string[]): Promise<Reply<Resource>>;
  replace(name: ResourceName, body: Resource): Promise<Reply<Resource>>;
  remove(name: ResourceName, query?: Query): Promise<Reply<Resource>>;
  /** `POST name:verb`, e.g. `setIamPolicy` on `projects/demo`. */
  call(name: ResourceName, verb: string, body?: Resource): Promise<Reply<Resource>>;
  /** Of `projects/ID` or `organizations/1`, newest first. */
  history(of: ResourceName, options?: ListOptions): Promise<Reply<readonly Resource[]>>;
  historyEntry(of: ResourceName, sequence: string): Promise<Reply<Resource>>;
  compareHistory(of: ResourceName, from: string, to?: string): Promise<Reply<readonly Resource[]>>;
  /** Everything that is configured, each with the document that makes it again. */
  configuration(of: ResourceName, options?: ListOptions): Promise<Reply<readonly Resource[]>>;
  restoreHistory(of: ResourceName, sequence: string, body: Resource): Promise<Reply<Resource>>;
}

/** The name of the resource that everything belongs to. */
export const ORGANIZATION = 'organizations/1';

const PAGE_SIZE = '1000';

export function createAdministration(options: ClientOptions): Administration {
  const send = (method: string, name: ResourceName, query: Query = {}, body?: Resource): Promise<Reply<Resource>> => {
    const headers: Record<string, string> = { accept: 'application/json' };
    if (options.token !== undefined) headers['authorization'] = `Bearer ${options.token}`;
    if (body !== undefined) headers['content-type'] = 'application/json';
    const version = name.startsWith('policies/') ? 'v2' : 'v1';
    const path = `/${version}/${name}${queryText(query)}`;
    return ask(options, method, path, headers, body === undefined ? undefined : JSON.stringify(body));
  };

  const pages = async (
    name: ResourceName,
    member: string,
    { showDeleted, limit = Infinity, query = {}, onPage }: ListOptions = {},
  ): Promise<Reply<readonly Resource[]>> => {
    const found: Resource[] = [];
    let pageToken: string | undefined;
    for (;;) {
      const pageSize = Number.isFinite(limit) ? String(Math.max(1, limit - found.length)) : PAGE_SIZE;
      const deleted = showDeleted === true ? { showDeleted: 'true' } : {};
      const reply = await send('GET', name, { pageSize, ...deleted, ...query, pageToken });
      if (!reply.ok) return reply;
      found.push(...resourcesIn(reply.value[member]));
      onPage?.(found.length);
      const next = reply.value['nextPageToken'];
      if (typeof next !== 'string' || next === '' || found.length >= limit) return { ...reply, value: found };
      pageToken = next;
    }
  };

  return {
    get: (name, query) => send('GET', name, query),
    list: async (kind, collection, listOptions) => {
      // Signing keys come in one piece, and their route takes no parameters.
      if (kind.name !== 'signingkey') return pages(collection, kind.member, listOptions);
      const reply = await send('GET', collection);
      return reply.ok ? { ...reply, value: resourcesIn(reply.value[kind.member]) } : reply;
    },
    create: (kind, collection, id, body) => {
      if (kind.name === 'role') return send('POST', collection, {}, { roleId: id, role: body });
      if (kind.name === 'serviceaccount') return send('POST', collection, {}, { accountId: id, serviceAccount: body });
      if (kind.name === 'project') return send('POST', collection, {}, { projectId: id, ...body });
      const { idParameter } = kind;
      if (idParameter === undefined) throw new Error(`a ${kind.name} cannot be made`);
      return send('POST', collection, { [idParameter]: id }, body);
    },
    patch: (name, body, mask) => send('PATCH', name, { updateMask: mask.join(',') }, body),
    replace: (name, body) => send('PUT', name, {}, body),
    remove: (name, query) => send('DELETE', name, query),
    call: (name, verb, body = {}) => send('POST', `${name}:${verb}`, {}, body),
    history: (of, listOptions) => pages(`${of}/history`, 'entries', listOptions),
    historyEntry: (of, sequence) => send('GET', `${of}/history/${encodeURIComponent(sequence)}`),
    compareHistory: (of, from, to) => pages(`${of}/history:compare`, 'differences', { query: { from, to } }),
    configuration: (of, listOptions) => pages(`${of}/configuration`, 'resources', listOptions),
    restoreHistory: (of, sequence, body) =>
      send('POST', `${of}/history/${encodeURIComponent(sequence)}:restore`, {}, body),
  };
}

/** The documents in a list answer. */
function resourcesIn(value: unknown): readonly Resource[] {
  return Array.isArray(value) ? value.filter(isResource) : [];
}

export function isResource(value: unknown): value is Resource {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function queryText(query: Query): string {
  const pairs = Object.entries(query).flatMap(([name, value]) =>
    value === undefined ? [] : [`${encodeURIComponent(name)}=${encodeURIComponent(value)}`],
  );
  return pairs.length === 0 ? '' : `?${pairs.join('&')}`;
}

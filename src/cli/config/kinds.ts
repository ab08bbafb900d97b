/** The kinds of documents in a file, and which resource each is: `kind: Provider` with its name and pool is `provider/POOL/NAME`. */

interface KindOfDocument {
  /** As the broker's names begin. */
  readonly prefix: string;
  /** Members beside `kind` and `spec`, in the order of the name. */
  readonly members: readonly ('pool' | 'name' | 'on')[];
}

export const KINDS: Readonly<Record<string, KindOfDocument>> = {
  Project: { prefix: 'project', members: [] },
  Role: { prefix: 'role', members: ['name'] },
  Target: { prefix: 'target', members: ['name'] },
  ServiceAccount: { prefix: 'serviceAccount', members: ['name'] },
  Pool: { prefix: 'pool', members: ['name'] },
  Provider: { prefix: 'provider', members: ['pool', 'name'] },
  AllowPolicy: { prefix: 'policy', members: ['on'] },
  DenyPolicy: { prefix: 'denyPolicy', members: ['on', 'name'] },
};

/** What `on` may say. */
export const ON: Readonly<Record<string, RegExp>> = {
  AllowPolicy: /^(project|pool\/[^/]+|target\/[^/]+|serviceAccount\/[^/]+)$/,
  DenyPolicy: /^(project|target\/[^/]+)$/,
};

export interface Located {
  readonly kind: string;
  readonly pool?: string;
  readonly name?: string;
  readonly on?: string;
}

/** The way back: of `provider/POOL/NAME` the members of its document. Undefined for what no file can say. */
export function locate(resource: string): Located | undefined {
  const [prefix = '', ...rest] = resource.split('/');
  const found = Object.entries(KINDS).find(([, one]) => one.prefix === prefix);
  if (found === undefined) return undefined;
  const [kind] = found;
  switch (kind) {
    case 'Project':
      return { kind };
    case 'Provider':
      return { kind, pool: rest[0] ?? '', name: rest[1] ?? '' };
    case 'AllowPolicy':
      return { kind, on: rest.join('/') };
    case 'DenyPolicy':
      return { kind, name: rest.at(-1) ?? '', on: rest.slice(0, -1).join('/') };
    default:
      return { kind, name: rest.join('/') };
  }
}

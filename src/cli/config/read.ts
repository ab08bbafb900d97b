/** Files → what is wished: each document a resource, and everything that is wrong about the form of any of them. */
import type { FileFault } from './fault.ts';
import { KINDS, ON } from './kinds.ts';
import { readReferred, type SourceFile } from './source.ts';
import { type YamlDocument, readYaml } from './yaml-document.ts';

export interface WishedDocument {
  readonly resource: string;
  readonly desired: Readonly<Record<string, unknown>>;
  readonly document: YamlDocument;
}

export interface ProjectNames {
  readonly projectId: string;
  readonly projectNumber: string;
}

export interface Header {
  readonly project?: string;
  readonly owner?: string;
}

export interface Parsed {
  readonly header: Header;
  readonly documents: readonly YamlDocument[];
  readonly faults: readonly FileFault[];
}

/** Who the files are about, before the project is known by both its names. */
export function parseSources(sources: readonly SourceFile[]): Parsed {
  const faults: FileFault[] = [];
  const documents: YamlDocument[] = [];
  let header: Header | undefined;
  for (const source of sources) {
    const read = readYaml(source);
    faults.push(...read.faults);
    for (const document of read.documents) {
      if (document.value['kind'] !== 'Configuration') {
        documents.push(document);
        continue;
      }
      if (header !== undefined)
        faults.push(document.faultAt([], 'there is another kind: Configuration already; one is for all files'));
      header = { ...readHeader(document, faults), ...header };
    }
  }
  return { header: header ?? {}, documents, faults };
}

const HEADER_MEMBERS = ['kind', 'project', 'owner'];

function readHeader(document: YamlDocument, faults: FileFault[]): Header {
  for (const member of Object.keys(document.value)) {
    if (!HEADER_MEMBERS.includes(member))
      faults.push(document.faultAt([member], `unknown field ${member}; a Configuration has project and owner`));
  }
  const text = (member: 'project' | 'owner') => {
    const value = document.value[member];
    if (value === undefined) return {};
    if (typeof value === 'string') return { [member]: value };
    faults.push(
      document.faultAt([member], `${member} must be a text${typeof value === 'number' ? ', in quotes' : ''}`),
    );
    return {};
  };
  return { ...text('project'), ...text('owner') };
}

export interface Wishes {
  readonly wishes: readonly WishedDocument[];
  readonly faults: readonly FileFault[];
  /** What is wrong in itself, as far as it has a name. */
  readonly refused: readonly string[];
}

export function readWishes(documents: readonly YamlDocument[], names: ProjectNames): Wishes {
  const faults: FileFault[] = [];
  const wishes: WishedDocument[] = [];
  const refused: string[] = [];
  const places = new Map<string, YamlDocument>();
  for (const document of documents) {
    const found: FileFault[] = [];
    const resource = resourceOf(document, names, found);
    const desired = specOf(document, names, found);
    const first = resource === undefined ? undefined : places.get(resource);
    if (first !== undefined) {
      const { file, line } = first.faultAt([], '');
      found.push(document.faultAt([], `${resource} is there already: ${file}:${line}`));
    }
    faults.push(...found);
    if (resource === undefined) continue;
    if (found.length > 0 || desired === undefined) refused.push(resource);
    else wishes.push({ resource, desired, document });
    if (first === undefined) places.set(resource, document);
  }
  return { wishes, faults, refused };
}

function resourceOf(document: YamlDocument, names: ProjectNames, faults: FileFault[]): string | undefined {
  const { kind } = document.value;
  const known = typeof kind === 'string' && Object.hasOwn(KINDS, kind) ? KINDS[kind] : undefined;
  if (typeof kind !== 'string' || known === undefined) {
    faults.push(document.faultAt(['kind'], `kind must be one of Configuration, ${Object.keys(KINDS).join(', ')}`));
    return undefined;
  }
  for (const member of Object.keys(document.value)) {
    const isKnown = ['kind', 'spec', ...known.members].includes(member);
    if (!isKnown)
      faults.push(
        document.faultAt([member], `unknown field ${member}; a ${kind} has ${[...known.members, 'spec'].join(', ')}`),
      );
  }
  const parts = known.members.map((member) => {
    const given = document.value[member] ?? (member === 'pool' ? `${names.projectId}.svc.id.goog` : undefined);
    if (typeof given !== 'string' || given === '') {
      const problem = given === undefined ? 'is required' : 'must be a text';
      faults.push(document.faultAt([member], `${member} ${problem}`));
      return undefined;
    }
    const text = substituted(given, names);
    const isWrong = member === 'on' ? ON[kind]?.test(text) !== true : text.includes('/');
    if (!isWrong) return text;
    const form = kind === 'AllowPolicy' ? 'project, pool/ID, target/ID or serviceAccount/ID' : 'project or target/ID';
    faults.push(
      document.faultAt([member], member === 'on' ? `on must be ${form}` : `${member} is an id, without slashes`),
    );
    return undefined;
  });
  return parts.includes(undefined) ? undefined : [known.prefix, ...parts].join('/');
}

function specOf(
  document: YamlDocument,
  names: ProjectNames,
  faults: FileFault[],
): Readonly<Record<string, unknown>> | undefined {
  const { spec = {} } = document.value;
  if (!isDocument(spec)) {
    faults.push(document.faultAt(['spec'], 'spec must be a mapping'));
    return undefined;
  }
  const said = replaced(spec, names);
  return isDocument(said) ? withKeys(document, said, faults) : undefined;
}

/** Keys may lie in a file beside: `jwksFile` instead of `jwksJson`. */
function withKeys(
  document: YamlDocument,
  spec: Readonly<Record<string, unknown>>,
  faults: FileFault[],
): Readonly<Record<string, unknown>> {
  if (document.value['kind'] !== 'Provider') return spec;
  const entries = Object.entries(spec).map(([member, value]) => {
    if ((member !== 'kubernetes' && member !== 'oidc') || !isDocument(value) || value['jwksFile'] === undefined)
      return [member, value];
    const { jwksFile, ...others } = value;
    const wrong = (message: string) => {
      faults.push(document.faultAt(['spec', member, 'jwksFile'], `jwksFile ${message}`));
      return [member, others];
    };
    if (typeof jwksFile !== 'string') return wrong('must be the name of a file');
    if (others['jwksJson'] !== undefined) return wrong('and jwksJson are two answers to one question');
    const read = readReferred(document.source, jwksFile);
    return 'problem' in read ? wrong(read.problem) : [member, { ...others, jwksJson: read.text }];
  });
  return Object.fromEntries(entries);
}

function replaced(value: unknown, names: ProjectNames): unknown {
  if (typeof value === 'string') return substituted(value, names);
  if (Array.isArray(value)) return value.map((one) => replaced(one, names));
  if (!isDocument(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([member, one]) => [member, replaced(one, names)]));
}

/** The two names of the project, so that one file serves several; nothing else is replaced, and nothing of the environment gets in. */
function substituted(text: string, { projectId, projectNumber }: ProjectNames): string {
  return text.replaceAll('${project.id}', projectId).replaceAll('${project.number}', projectNumber);
}

function isDocument(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Issuers that a service runs for all of its customers: without a condition on the tenant every stranger there is let in (LESSONS §6, 36). */
import { reread, pathOf } from '../../policy/reread.ts';
import { requires, valuesRead, type Path, type Wanted, type WantedValue } from '../../policy/requires.ts';

export interface SharedIssuer {
  readonly service: string;
  readonly host: string;
  /** Paths at which the issuer is shared; below others it is one tenant's own. Undefined: wherever it is on the host. */
  readonly paths?: readonly string[];
  /** Claims that differ between tenants and that no tenant chooses at will; the best ones first. */
  readonly tenantClaims: readonly string[];
  /** The same inside of claims that are objects; their other members are any tenant's to choose. */
  readonly nestedTenantClaims?: readonly Path[];
  /** Claims that begin with the tenant: how far a beginning must go to be one tenant's alone, its last separator included. */
  readonly tenantStarts: Readonly<Record<string, RegExp>>;
  /** Names that somebody else may register once they are given up, and the number that stays. */
  readonly lastingTwins: Readonly<Record<string, string>>;
}

const ROOT = ['', '/'];
/** `acme/` is acme's; `acme` is also the beginning of `acme-evil`. */
const FIRST_SEGMENT = /^[^/]+\//;
const ORGANIZATION = /^organization:[^:]+:/;

const SHARED_ISSUERS: readonly SharedIssuer[] = [
  {
    service: 'GitHub Actions',
    host: 'token.actions.githubusercontent.com',
    tenantClaims: [
      'repository_owner_id',
      'repository_id',
      'repository_owner',
      'repository',
      'enterprise_id',
      'enterprise',
      'sub',
      'job_workflow_ref',
      'workflow_ref',
    ],
    tenantStarts: {
      // As it is by default, and as an organization may have it begin instead. Not job_workflow_ref: others may call a workflow.
      sub: /^(?:(?:repo|repository):[^:/]+\/|(?:repository_owner|repository_owner_id|repository_id|enterprise|enterprise_id):[^:]+:)/,
      repository: FIRST_SEGMENT,
      job_workflow_ref: FIRST_SEGMENT,
      workflow_ref: FIRST_SEGMENT,
    },
    lastingTwins: {
      repository: 'repository_id',
      repository_owner: 'repository_owner_id',
      enterprise: 'enterprise_id',
    },
  },
  {
    service: 'GitLab',
    host: 'gitlab.com',
    // Not user_*: who started a job is not whose project it runs in.
    tenantClaims: ['namespace_id', 'project_id', 'namespace_path', 'project_path', 'sub'],
    tenantStarts: { sub: /^project_path:[^:/]+\//, namespace_path: FIRST_SEGMENT, project_path: FIRST_SEGMENT },
    lastingTwins: { namespace_path: 'namespace_id', project_path: 'project_id' },
  },
  {
    service: 'Google',
    host: 'accounts.google.com',
    tenantClaims: ['hd', 'sub', 'email'],
    nestedTenantClaims: [
      ['google', 'compute_engine', 'project_id'],
      ['google', 'compute_engine', 'project_number'],
      ['google', 'compute_engine', 'instance_id'],
    ],
    tenantStarts: {},
    lastingTwins: {},
  },
  {
    service: 'HCP Terraform',
    host: 'app.terraform.io',
    tenantClaims: [
      'terraform_organization_id',
      'terraform_project_id',
      'terraform_workspace_id',
      'terraform_organization_name',
      'terraform_full_workspace',
      'terraform_stack_id',
      'sub',
    ],
    tenantStarts: { sub: ORGANIZATION, terraform_full_workspace: ORGANIZATION },
    lastingTwins: { terraform_organization_name: 'terraform_organization_id' },
  },
  {
    service: 'Buildkite',
    host: 'agent.buildkite.com',
    tenantClaims: ['organization_id', 'organization_slug', 'pipeline_id', 'cluster_id', 'sub'],
    tenantStarts: { sub: ORGANIZATION },
    lastingTwins: { organization_slug: 'organization_id' },
  },
  {
    service: 'CircleCI',
    host: 'oidc.circleci.com',
    paths: ROOT,
    tenantClaims: ['oidc.circleci.com/org-id', 'oidc.circleci.com/project-id', 'sub'],
    tenantStarts: { sub: /^org\/[^/]+\// },
    lastingTwins: {},
  },
  {
    service: 'Codefresh',
    host: 'oidc.codefresh.io',
    paths: ROOT,
    tenantClaims: ['account_id', 'account_name', 'pipeline_id', 'sub'],
    tenantStarts: { sub: /^account:[^:]+:/ },
    lastingTwins: { account_name: 'account_id' },
  },
  {
    service: 'Vercel',
    host: 'oidc.vercel.com',
    paths: ROOT,
    tenantClaims: ['owner_id', 'project_id', 'owner', 'sub'],
    tenantStarts: { sub: /^owner:[^:]+:/ },
    lastingTwins: { owner: 'owner_id' },
  },
  {
    service: 'Pulumi Cloud',
    host: 'api.pulumi.com',
    tenantClaims: ['https://pulumi.com/org_id', 'https://pulumi.com/org', 'sub'],
    tenantStarts: { sub: /^pulumi:[a-z-]+:org:[^:]+:/ },
    lastingTwins: { 'https://pulumi.com/org': 'https://pulumi.com/org_id' },
  },
];

export function sharedIssuerOf(issuerUri: string): SharedIssuer | undefined {
  if (!URL.canParse(issuerUri)) return undefined;
  const { hostname, pathname } = new URL(issuerUri);
  return SHARED_ISSUERS.find(
    ({ host, paths }) => host === hostname && (paths === undefined || paths.includes(pathname)),
  );
}

type Mapping = Readonly<Record<string, string>>;

/** What is wrong with a condition, which compiles or is empty, under which a shared issuer's strangers would come in. */
export function tenantProblem(issuer: SharedIssuer, condition: string, mapping: Mapping): string | undefined {
  if (condition !== '' && requires(condition, tenantValues(issuer, mapping))) return undefined;
  const [first = ''] = issuer.tenantClaims;
  const example = /^\w+$/.test(first) ? `assertion.${first}` : `assertion['${first}']`;
  return (
    `The attribute condition must reference one of the provider's claims that tell your tenant of ${issuer.service} from all others ` +
    `(${issuer.tenantClaims.join(', ')}) and compare it with your own value in every alternative, for example ${example} == "YOURS". ` +
    'What counts: ==, in [...], startsWith() that goes past your name to the separator behind it, matches() of such a beginning from ^ on.'
  );
}

/** The claims of the tenant themselves, and what the mapping takes from them whole: a part of a claim may be the stranger's part. */
function tenantValues({ tenantClaims, nestedTenantClaims = [], tenantStarts }: SharedIssuer, mapping: Mapping): Wanted {
  const known = new Map<string, Path | undefined>();
  return (path) => tenantValue(path[0] === 'assertion' ? path : mappedFrom(path));

  function tenantValue([root, ...members]: Path = []): WantedValue | undefined {
    if (root !== 'assertion') return undefined;
    const [claim = ''] = members;
    if (members.length === 1 && tenantClaims.includes(claim)) {
      return { tellingStart: Object.hasOwn(tenantStarts, claim) ? tenantStarts[claim] : undefined };
    }
    return nestedTenantClaims.some((nested) => isSamePath(nested, members)) ? {} : undefined;
  }

  function mappedFrom(path: Path): Path | undefined {
    const key = path.join('.');
    if (path.length !== 2 || !Object.hasOwn(mapping, key)) return undefined;
    if (!known.has(key)) known.set(key, wholePath(mapping[key] ?? ''));
    return known.get(key);
  }
}

function wholePath(expression: string): Path | undefined {
  const read = reread(expression);
  return read === undefined ? undefined : pathOf(read.expression);
}

function isSamePath(one: Path, other: Path): boolean {
  return one.length === other.length && one.every((name, index) => name === other[index]);
}

/** The claims behind a value that a condition reads: directly, or by way of the mapping. */
export function createClaimReader(mapping: Mapping): (path: Path) => readonly string[] {
  const known = new Map<string, readonly string[]>();
  return ([root = '', member = '']) => {
    if (root === 'assertion') return member === '' ? [] : [member];
    const key = `${root}.${member}`;
    const before = known.get(key);
    if (before !== undefined) return before;
    const expression = Object.hasOwn(mapping, key) ? mapping[key] : undefined;
    const claims = expression === undefined ? [] : mappedClaims(expression);
    known.set(key, claims);
    return claims;
  };
}

export function mappedClaims(expression: string): readonly string[] {
  return valuesRead(expression).flatMap(([root, claim]) =>
    root === 'assertion' && claim !== undefined ? [claim] : [],
  );
}

/** The frame of every page, and the few parts that all pages are made of. */
import type { Child, WithChildren } from './jsx/jsx-runtime.ts';
import { BASE } from './guard.ts';
import { utc, visible } from './format.ts';
import type { Rights } from './rights.ts';
import { can } from './rights.ts';
import type { AssetUrls } from './assets.ts';

export interface Frame {
  readonly title: string;
  readonly assets: AssetUrls;
  /** Absent before anybody signed in. */
  readonly person?: { readonly name: string; readonly formToken: string };
  readonly project?: { readonly id: string; readonly rights: Rights; readonly tab: string } | undefined;
  /** The page shows what moves: it is asked for again so often while it is looked at. */
  readonly refreshSeconds?: number | undefined;
}

export function Document({ title, assets, person, project, refreshSeconds, children }: WithChildren<Frame>) {
  return (
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <meta name="robots" content="noindex" />
        <title>{`${visible(title, 100)} · edge-sts`}</title>
        <link rel="icon" href={assets.icon} type="image/svg+xml" />
        <link rel="stylesheet" href={assets.css} />
        <script type="module" src={assets.js}></script>
      </head>
      <body data-refresh={refreshSeconds}>
        <a class="skip" href="#main">
          Skip to content
        </a>
        <header class="top">
          <a class="brand" href={BASE}>
            <img src={assets.icon} alt="" width="20" height="20" />
            edge-sts
          </a>
          {project === undefined ? null : (
            <span class="where">
              <span class="muted" aria-hidden="true">
                /
              </span>
              <Name text={project.id} />
            </span>
          )}
          {person === undefined ? null : (
            <div class="who">
              <Name text={person.name} isShort />
              <form method="post" action={`${BASE}/sign-out`}>
                <input type="hidden" name="formToken" value={person.formToken} />
                <button class="quiet">Sign out</button>
              </form>
            </div>
          )}
        </header>
        {project === undefined ? null : <Tabs {...project} />}
        <main id="main" tabindex={-1}>
          {children}
        </main>
      </body>
    </html>
  );
}

/** A tab of which every call would be refused is not there. */
const TABS = [
  ['quota', 'Quota', ['sts.usage.get', 'cloudquotas.quotas.get']],
  ['requests', 'Requests', ['cloudquotas.quotas.get']],
  ['activity', 'Activity', ['sts.recentExchanges.list']],
  ['clusters', 'Clusters', ['iam.workloadIdentityPools.list']],
  ['policy', 'Policy', ['resourcemanager.projects.getIamPolicy', 'sts.policies.troubleshoot', 'sts.policies.simulate']],
  ['keys', 'Keys', ['sts.signingKeys.list']],
  ['history', 'History', ['sts.history.list']],
] as const;

function Tabs({ id, rights, tab }: NonNullable<Frame['project']>) {
  const shown = TABS.filter(([, , permissions]) => permissions.some((one) => can(rights, one)));
  return (
    <nav class="tabs" aria-label="Project">
      {shown.map(([name, label]) => (
        <a href={`${BASE}/projects/${encodeURIComponent(id)}/${name}`} aria-current={tab === name ? 'page' : undefined}>
          {label}
        </a>
      ))}
    </nav>
  );
}

/** Characters that a column always has room for. */
const BRIEF = 28;

/** A text of somebody else's: kept apart from ours in direction, cut where it is endless, with everything in it to be seen. */
export function Name({ text, isShort = false, shown }: { text: string; isShort?: boolean; shown?: string }) {
  const told = visible(shown ?? text, 200);
  const kind = isShort ? 'name short' : told.length <= BRIEF ? 'name brief' : 'name';
  return (
    <bdi class={kind} title={visible(text, 600)}>
      {told}
    </bdi>
  );
}

export function Time({ at }: { at: string }) {
  return at === '' ? <span class="muted">never</span> : <time datetime={at}>{utc(at)}</time>;
}

export function Panel({
  title,
  id,
  aside,
  isLive,
  children,
}: WithChildren<{ title: string; id: string; aside?: Child; isLive?: boolean }>) {
  return (
    <section class="panel" aria-labelledby={`${id}-title`} id={id} data-live={isLive}>
      <div class="head">
        <h2 id={`${id}-title`}>{visible(title, 200)}</h2>
        {aside === undefined ? null : <div class="aside">{aside}</div>}
      </div>
      {children}
    </section>
  );
}

/** The name of the page, how it stands with what has that name, and at the far end where else to go. */
export function PageHead({ title, state, children }: WithChildren<{ title: Child; state?: Child }>) {
  return (
    <div class="page-head">
      <h1>{title}</h1>
      {state}
      {children === undefined || children === null ? null : <div class="aside">{children}</div>}
    </div>
  );
}

export function Fact({ name, children }: WithChildren<{ name: string }>) {
  return (
    <>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </>
  );
}

/** What is not there yet, and what to do about it. */
export function Empty({ children }: WithChildren) {
  return <p class="empty">{children}</p>;
}

export function Alert({ kind, children }: WithChildren<{ kind: 'bad' | 'good' | 'warn' }>) {
  return (
    <div class={`alert ${kind}`} role={kind === 'bad' ? 'alert' : 'status'}>
      {children}
    </div>
  );
}

/** Why what was asked for was not done, above what it was asked on. */
export function Fault({ of }: { of: string | undefined }) {
  return of === undefined ? null : <Alert kind="bad">{of}</Alert>;
}

export type Tone = 'good' | 'bad' | 'warn' | 'calm';

/** The word carries the meaning; the colour only helps. */
export function Badge({ tone, children }: WithChildren<{ tone: Tone }>) {
  return <span class={`badge ${tone}`}>{children}</span>;
}

export function Stat({
  label,
  value,
  unit,
  note,
  tone,
}: {
  label: string;
  value: Child;
  unit?: string;
  note?: Child;
  tone?: Tone | undefined;
}) {
  return (
    <div class={tone === undefined ? 'stat' : `stat ${tone}`}>
      <dt>{label}</dt>
      <dd>
        <span class="value">{value}</span>
        {unit === undefined ? null : <span class="unit"> {unit}</span>}
        {note === undefined ? null : <span class="note">{note}</span>}
      </dd>
    </div>
  );
}

interface NumberColumn {
  readonly number: string;
}

/** A column of numbers, which stand below each other by their last digits. */
export function number(label: string): NumberColumn {
  return { number: label };
}

/** The label of a column of buttons is for who cannot see that they are some. */
const ACTION = <span class="unseen">Action</span>;

export function Table({
  label,
  columns,
  rows,
}: {
  label: string;
  columns: readonly (string | NumberColumn)[];
  rows: readonly (readonly Child[])[];
}) {
  const classes = columns.map((column) => (typeof column === 'string' ? '' : 'number'));
  return (
    <div class="scroll" tabindex={0} role="region" aria-label={`Table: ${label}`}>
      <table>
        <thead>
          <tr>
            {columns.map((column, at) => (
              <th scope="col" class={classes[at]}>
                {column === '' ? ACTION : typeof column === 'string' ? column : column.number}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((cells) => (
            <tr>
              {cells.map((cell, at) => (
                <td class={classes[at]}>{cell}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

export function Choice({
  label,
  options,
}: {
  label: string;
  options: readonly { label: string; href: string; isChosen: boolean }[];
}) {
  return (
    <nav class="choice" aria-label={label}>
      {options.map(({ label: text, href, isChosen }) => (
        <a href={href} aria-current={isChosen ? 'true' : undefined}>
          {text}
        </a>
      ))}
    </nav>
  );
}

/** How full something is, for eye and screen reader. */
export function Meter({ used, limit, label }: { used: number; limit: number; label: string }) {
  const percent = limit === 0 ? 100 : Math.min(100, (100 * used) / limit);
  const tone = percent >= 100 ? 'bad' : percent >= 80 ? 'warn' : 'calm';
  return (
    <svg class={`meter ${tone}`} viewBox="0 0 100 4" preserveAspectRatio="none" role="img" aria-label={label}>
      <rect class="rest" width="100" height="4" />
      <rect class="part" width={percent.toFixed(1)} height="4" />
    </svg>
  );
}

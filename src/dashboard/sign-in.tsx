/** Coming in, going out, and showing the credential once more before a dangerous act. */
import type { SessionContent } from '../core/admin/sessions.ts';
import { decodeBase64UrlText } from '../core/base64url.ts';
import type { Assets } from './assets.ts';
import { hex } from './format.ts';
import { BASE, cookieHeader, safeNext } from './guard.ts';
import { InputField, PostForm } from './forms.tsx';
import { Alert, Fault, Name } from './layout.tsx';
import type { DashboardPorts } from './ports.ts';
import { type Form, goTo, render, type Visit } from './visit.tsx';

/** How long ago the credential may have been shown for an act that cannot be taken back easily. */
const FRESH_MS = 5 * 60_000;

const SAID = {
  ended: 'You are not signed in, or your session is over. Nothing was changed.',
  out: 'You are signed out. The session is over at the server, too.',
} as const;

export interface SignInFacts {
  readonly ports: DashboardPorts;
  readonly request: Request;
  readonly assets: Assets;
  readonly next: string;
}

interface Shown {
  readonly status?: number;
  readonly fault?: string;
  readonly said?: keyof typeof SAID;
}

export async function signInPage(facts: SignInFacts, { status = 200, fault, said }: Shown = {}): Promise<Response> {
  const { ports, request, assets, next } = facts;
  const access = await accessName(ports, request);
  const isHere = new URL(request.url).origin === ports.publicOrigin;
  return render(
    { title: 'Sign in', assets: assets.urls },
    <div class="sign">
      <Fault of={fault} />
      {said === undefined ? null : <Alert kind="warn">{SAID[said]}</Alert>}
      {isHere ? null : (
        <Alert kind="warn">
          This broker's dashboard is at <a href={`${ports.publicOrigin}${BASE}`}>{ports.publicOrigin}</a>; sign in
          there.
        </Alert>
      )}
      <section class="panel">
        <h1>Sign in</h1>
        <p class="muted">What you may see and do is what the allow policies say of you, at every click.</p>
        {access === undefined ? null : (
          <PostForm session={undefined} to={`${BASE}/sign-in`} hidden={{ next, with: 'access' }}>
            <p>
              Cloudflare Access says that you are <Name text={access} />.
            </p>
            <p>
              <button>Continue with Cloudflare Access</button>
            </p>
          </PostForm>
        )}
        <PostForm session={undefined} to={`${BASE}/sign-in`} hidden={{ next }}>
          <TokenField />
          <button>Sign in</button>
        </PostForm>
        <details>
          <summary>Where do I get a token?</summary>
          <p>
            A federated administrator exchanges the token of a workload for one of the broker's own:{' '}
            <code>POST /v1/token</code> without <code>resource</code>. The session can do no more, and lasts no longer,
            than that token.
          </p>
          <p>
            The bootstrap token is the secret <code>EDGE_STS_ADMIN_TOKEN</code>; after <code>npm start</code> it stands
            in <code>.edge-sts/state/admin-token</code>.
          </p>
        </details>
      </section>
    </div>,
    status,
  );
}

function TokenField() {
  return (
    <InputField
      label="Token"
      name="token"
      hint="The bootstrap token, or a token of this broker for the broker itself."
      type="password"
      autocomplete="off"
      spellcheck="false"
      required
      maxlength={16_384}
    />
  );
}

const NOT_TAKEN = 'This is no token that is good here now. Nothing more is told about it.';
const AWAY = 'Who you are could not be checked just now. Try again.';

/** The credential is shown again at every request; what is made here only spares the person to type it. */
export async function signIn(facts: SignInFacts, form: Form, earlier: string | undefined): Promise<Response> {
  const { ports, request, next } = facts;
  const proof = await prove(ports, request, form);
  if ('fault' in proof) return signInPage(facts, proof);
  const opened = await ports.sessions.open({
    ...proof.content,
    formToken: newToken(),
    provedAtMs: provedAt(proof.content, request, ports.nowMs()),
  });
  if (!opened.ok) return signInPage(facts, { status: 503, fault: AWAY });
  // A cookie that was there before, whoever put it there, is not the one that is signed in now (fixation).
  if (earlier !== undefined) await ports.sessions.end(earlier);
  const response = goTo(next);
  response.headers.append('Set-Cookie', cookieHeader(opened.value.secret, ports.publicOrigin));
  return response;
}

async function prove(
  ports: DashboardPorts,
  request: Request,
  form: Form,
): Promise<
  { readonly status: number; readonly fault: string } | { readonly content: Pick<SessionContent, 'name' | 'bearer'> }
> {
  const isAccess = form('with') === 'access';
  const bearer = form('token').trim();
  if (!isAccess && bearer === '') return { status: 400, fault: 'The token is missing.' };
  const authenticated = await ports.authenticate({
    authorization: isAccess ? undefined : `Bearer ${bearer}`,
    accessAssertion: isAccess ? assertionOf(request) : undefined,
  });
  if (authenticated.ok) return { content: { name: authenticated.value.name, ...(isAccess ? {} : { bearer }) } };
  return authenticated.error.tag === 'unavailable' ? { status: 503, fault: AWAY } : { status: 401, fault: NOT_TAKEN };
}

function assertionOf({ headers }: Request): string | undefined {
  return headers.get('cf-access-jwt-assertion') ?? undefined;
}

async function accessName(ports: DashboardPorts, request: Request): Promise<string | undefined> {
  const accessAssertion = assertionOf(request);
  if (accessAssertion === undefined) return undefined;
  const authenticated = await ports.authenticate({ authorization: undefined, accessAssertion });
  return authenticated.ok ? authenticated.value.name : undefined;
}

/** Access asks for a password when it thinks best: proof is when it issued what it shows, not when a button was pressed. */
function provedAt({ bearer }: Pick<SessionContent, 'bearer'>, request: Request, nowMs: number): number {
  if (bearer !== undefined) return nowMs;
  return 1_000 * (issuedAtSeconds(assertionOf(request) ?? '') ?? 0);
}

/** Of an assertion that was verified before. */
function issuedAtSeconds(assertion: string): number | undefined {
  try {
    const payload: unknown = JSON.parse(decodeBase64UrlText(assertion.split('.')[1] ?? '') ?? '');
    if (typeof payload !== 'object' || payload === null || !('iat' in payload)) return undefined;
    return typeof payload.iat === 'number' ? payload.iat : undefined;
  } catch {
    return undefined;
  }
}

function newToken(): string {
  return hex(crypto.getRandomValues(new Uint8Array(24)));
}

export async function signOut({ ports, secret }: Visit): Promise<Response> {
  const ended = await ports.sessions.end(secret);
  if (!ended.ok) return goTo(`${BASE}?said=not-out`);
  const response = goTo(`${BASE}/signed-out`);
  response.headers.append('Set-Cookie', cookieHeader(undefined, ports.publicOrigin));
  response.headers.set('Clear-Site-Data', '"cache"');
  return response;
}

export function isFresh({ session, nowMs }: Pick<Visit, 'session' | 'nowMs'>): boolean {
  return nowMs - session.provedAtMs < FRESH_MS;
}

/** `next` is where the person was about to do something dangerous. */
export function provePage(
  visit: Visit,
  next: string,
  fault?: { readonly status: number; readonly fault: string },
): Response {
  const { session, assets } = visit;
  return render(
    { title: 'Confirm that it is you', assets: assets.urls, person: session },
    <div class="sign">
      <Fault of={fault?.fault} />
      <section class="panel">
        <h1>Confirm that it is you</h1>
        <p class="muted">
          What you are about to do cannot be taken back easily, and you signed in more than {FRESH_MS / 60_000} minutes
          ago. Nothing was changed yet.
        </p>
        {session.bearer === undefined ? (
          <>
            <p>
              <a class="button quiet" href="/cdn-cgi/access/logout">
                Sign in to Cloudflare Access again
              </a>
            </p>
            <PostForm session={session} to={`${BASE}/prove`} hidden={{ next, with: 'access' }}>
              <button>Confirm with Cloudflare Access</button>
            </PostForm>
          </>
        ) : (
          <PostForm session={session} to={`${BASE}/prove`} hidden={{ next }}>
            <TokenField />
            <button>Confirm</button>
          </PostForm>
        )}
        <p class="muted">
          You are <Name text={session.name} />. <a href={next}>Go back without</a>
        </p>
      </section>
    </div>,
    fault?.status ?? 200,
  );
}

const NOT_ANEW = {
  status: 401,
  fault: 'Cloudflare Access let you in too long ago. Sign in to it again, then confirm.',
};

/** Of the same person only. The session goes on under another secret: one that was stolen before does not become a fresh one. */
export async function proveAgain(visit: Visit, form: Form): Promise<Response> {
  const { ports, request, session, secret, nowMs } = visit;
  const next = safeNext(form('next'), ports.publicOrigin);
  const proof = await prove(ports, request, form);
  if ('fault' in proof) return provePage(visit, next, proof);
  if (proof.content.name !== session.name)
    return provePage(visit, next, { status: 401, fault: 'This is the token of somebody else.' });
  const provedAtMs = provedAt(proof.content, request, nowMs);
  // Access adds its word to every request of the browser: an old one, shown again, is no proof that the person is there.
  if (!isFresh({ session: { ...session, provedAtMs }, nowMs })) return provePage(visit, next, NOT_ANEW);
  const opened = await ports.sessions.open({ ...session, ...proof.content, provedAtMs });
  if (!opened.ok) return provePage(visit, next, { status: 503, fault: AWAY });
  await ports.sessions.end(secret);
  const response = goTo(next);
  response.headers.append('Set-Cookie', cookieHeader(opened.value.secret, ports.publicOrigin));
  return response;
}

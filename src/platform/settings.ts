/** Env → Settings: strings stop here. Secrets are not part of Settings, so printing it gives nothing away. */
import { err, ok, type Result } from '../core/result.ts';
import { decodeKek, type Keks } from './secrets.ts';

export interface Settings {
  /** The origin that our issuers and the broker's own audience are made of; never taken from a Host header. */
  readonly publicOrigin: string;
  /** Development only: issuers may be loopback `http://`. */
  readonly loopbackIssuersAllowed: boolean;
  /** Absent: no user signs in, whatever header he brings. */
  readonly access?: AccessSettings;
}

/** Whose Access stands in front, and as which of its applications. */
export interface AccessSettings {
  /** `TEAM.cloudflareaccess.com`. */
  readonly teamDomain: string;
  /** The application's audience tag. */
  readonly audience: string;
}

export interface Secrets {
  readonly keks: Keks;
  readonly adminToken: string;
}

/** What puts every secret that is missing in its place (docs/deploy.md). */
const DEPLOY = 'npx wrangler deploy --secrets-file .edge-sts/secrets.env';

/** What a bearer token can hold in a header: a blank or a newline in the secret would lock the administrator out without a word. */
const ADMIN_TOKEN = /^[\u0021-\u007e]{32,}$/;

type Strings = Pick<
  Env,
  | 'PUBLIC_ORIGIN'
  | 'EDGE_STS_KEK'
  | 'EDGE_STS_KEK_PREVIOUS'
  | 'EDGE_STS_ADMIN_TOKEN'
  | 'EDGE_STS_DEVELOPMENT'
  | 'ACCESS_TEAM_DOMAIN'
  | 'ACCESS_AUDIENCE'
>;

/** The settings, or the sentence that tells the operator what to set. */
export function readSettings(env: Strings): Result<Settings, string> {
  const origin = env.PUBLIC_ORIGIN ?? '';
  if (origin === '') return err(`PUBLIC_ORIGIN is not set: npx edge-sts init --origin https://HOST && ${DEPLOY}`);
  if (!URL.canParse(origin)) return err('PUBLIC_ORIGIN is not a URL');
  const url = new URL(origin);
  const loopback = isLoopback(url.hostname);
  if (origin !== url.origin) return err('PUBLIC_ORIGIN must be an origin only: no path, query or trailing slash');
  if (!loopback && (url.protocol !== 'https:' || url.port !== '')) {
    return err('PUBLIC_ORIGIN must be https without a port: relying parties refuse other issuers');
  }
  const development = env.EDGE_STS_DEVELOPMENT ?? '';
  if (development !== '' && development !== 'true') return err('EDGE_STS_DEVELOPMENT must be "true" or absent');
  if (development === 'true' && !loopback) {
    return err('EDGE_STS_DEVELOPMENT is only allowed while PUBLIC_ORIGIN is a loopback address');
  }
  const access = readAccess(env);
  if (!access.ok) return access;
  return ok({
    publicOrigin: url.origin,
    loopbackIssuersAllowed: development === 'true',
    ...(access.value === undefined ? {} : { access: access.value }),
  });
}

/** Half a configuration is a mistake, and to guess the other half would let somebody in. */
function readAccess({
  ACCESS_TEAM_DOMAIN = '',
  ACCESS_AUDIENCE = '',
}: Strings): Result<AccessSettings | undefined, string> {
  if (ACCESS_TEAM_DOMAIN === '' && ACCESS_AUDIENCE === '') return ok(undefined);
  if (!/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.cloudflareaccess\.com$/.test(ACCESS_TEAM_DOMAIN)) {
    return err('ACCESS_TEAM_DOMAIN must be TEAM.cloudflareaccess.com, without https://');
  }
  if (!/^[A-Za-z0-9]{32,128}$/.test(ACCESS_AUDIENCE)) {
    return err("ACCESS_AUDIENCE must be the audience tag of the application, as Cloudflare's dashboard shows it");
  }
  return ok({ teamDomain: ACCESS_TEAM_DOMAIN, audience: ACCESS_AUDIENCE });
}

export function readSecrets(env: Strings): Result<Secrets, string> {
  const keks = readKeks(env);
  if (!keks.ok) return keks;
  const adminToken = env.EDGE_STS_ADMIN_TOKEN ?? '';
  if (!ADMIN_TOKEN.test(adminToken)) {
    return err(
      `EDGE_STS_ADMIN_TOKEN is not set, shorter than 32 characters, or holds blanks: npx edge-sts init && ${DEPLOY}`,
    );
  }
  return ok({ keks: keks.value, adminToken });
}

/** The objects need no more of the secrets than this. */
export function readKeks(env: Strings): Result<Keks, string> {
  const current = decodeKek(env.EDGE_STS_KEK ?? '');
  if (current === undefined) {
    return err(
      `EDGE_STS_KEK is not set or not 32 bytes of base64: npx edge-sts init && ${DEPLOY} (on a deployment that had one: that one, not a new one)`,
    );
  }
  const previousText = env.EDGE_STS_KEK_PREVIOUS ?? '';
  if (previousText === '') return ok({ current });
  const previous = decodeKek(previousText);
  if (previous === undefined) return err('EDGE_STS_KEK_PREVIOUS is not 32 bytes of base64');
  return ok({ current, previous });
}

function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d{1,3}){3}$/.test(hostname);
}

/** What an API server's answer to a TokenReview means for us: it can confirm what we verified ourselves, and nothing else lets a token pass. */
import { isJsonObject, type JsonValue, parseStrictJson } from '../../core/json.ts';

/** What the cluster must say, word for word. */
interface Expected {
  readonly username: string;
  readonly serviceAccountUid: string;
  readonly audiences: readonly string[];
}

/** `odd`: no answer to what was asked; as good as none. */
export type Verdict = 'confirmed' | 'refused' | 'odd';

/** `text` comes from the API server, or from whoever stands in its place. */
export function judgeReview(text: string, expected: Expected): Verdict {
  const json = parseStrictJson(text);
  if (!json.ok || !isJsonObject(json.value)) return 'odd';
  const { apiVersion, kind, status } = json.value;
  if (apiVersion !== API_VERSION || kind !== 'TokenReview' || !isJsonObject(status)) return 'odd';
  const { authenticated, user, audiences } = status;
  // A real API server leaves a false `authenticated` out. Nothing but the boolean is true (CVE-2026-55076: the text "false" was).
  if (authenticated === undefined || authenticated === false) return 'refused';
  if (authenticated !== true || !isJsonObject(user)) return 'odd';
  const heard = readAudiences(audiences);
  if (heard === undefined) return 'odd';
  const isSame = user['username'] === expected.username && user['uid'] === expected.serviceAccountUid;
  // An empty list comes from a server that does not know of audiences; ours was checked before anybody was asked.
  const isOurs = heard.length === 0 || heard.some((audience) => expected.audiences.includes(audience));
  return isSame && isOurs ? 'confirmed' : 'refused';
}

export const API_VERSION = 'authentication.k8s.io/v1';

function readAudiences(value: JsonValue | undefined): readonly string[] | undefined {
  const list = value ?? [];
  if (!Array.isArray(list)) return undefined;
  const audiences: readonly JsonValue[] = list;
  return audiences.every((entry) => typeof entry === 'string') ? audiences : undefined;
}

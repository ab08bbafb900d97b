/** Session tags and source identity, which an issuer puts into its tokens (WIRE.md F.5): read strictly, for conditions decide by them. */
import { isJsonObject, type JsonObject, type JsonValue } from '../json.ts';
import { err, ok, type Result } from '../result.ts';

export interface SessionTag {
  readonly key: string;
  readonly value: string;
}

export interface SessionTags {
  readonly tags: readonly SessionTag[];
  readonly transitiveKeys: readonly string[];
  readonly sourceIdentity?: string;
}

export const NO_TAGS: SessionTags = { tags: [], transitiveKeys: [] };

const TAGS_CLAIM = 'https://aws.amazon.com/tags';
const SOURCE_IDENTITY_CLAIM = 'https://aws.amazon.com/source_identity';
const MAX_TAGS = 50;
const KEY = /^[\p{L}\p{Z}\p{N}_.:/=+\-@]{1,128}$/u;
const VALUE = /^[\p{L}\p{Z}\p{N}_.:/=+\-@]{0,256}$/u;
const SOURCE_IDENTITY = /^(?!aws:)[\w+=,.@-]{2,64}$/;

/** What the token brings, or what is wrong with it: half a set of tags would be another identity. */
export function sessionTagsOf(claims: JsonObject): Result<SessionTags, string> {
  const identity = claims[SOURCE_IDENTITY_CLAIM];
  if (identity !== undefined && (typeof identity !== 'string' || !SOURCE_IDENTITY.test(identity))) {
    return err('source_identity must be 2 to 64 of the characters A-Z a-z 0-9 _ + = , . @ -');
  }
  const source = identity === undefined ? {} : { sourceIdentity: identity };
  const claim = claims[TAGS_CLAIM];
  if (claim === undefined) return ok({ ...NO_TAGS, ...source });
  if (!isJsonObject(claim)) return err('tags must be an object');
  const tags = tagsOf(claim['principal_tags'] ?? {});
  if (!tags.ok) return tags;
  const transitiveKeys = textsOf(claim['transitive_tag_keys'] ?? []);
  const keys = tags.value.map(({ key }) => key);
  if (transitiveKeys === undefined || !transitiveKeys.every((key) => keys.includes(key))) {
    return err('transitive_tag_keys must be a list of keys of principal_tags');
  }
  return ok({ tags: tags.value, transitiveKeys, ...source });
}

function tagsOf(claim: JsonValue): Result<readonly SessionTag[], string> {
  if (!isJsonObject(claim)) return err('principal_tags must be an object');
  const tags: SessionTag[] = [];
  const seen = new Set<string>();
  for (const [key, values] of Object.entries(claim)) {
    const value = typeof values === 'string' ? values : onlyOf(values);
    if (value === undefined || !VALUE.test(value)) return err('a tag must have one value, of at most 256 characters');
    if (!KEY.test(key) || key.toLowerCase().startsWith('aws:'))
      return err("a tag's key has 1 to 128 characters and does not begin with aws:");
    // Keys have no case in conditions: two that differ in nothing else would be one.
    if (seen.has(key.toLowerCase())) return err('two tags have the same key');
    seen.add(key.toLowerCase());
    tags.push({ key, value });
  }
  return tags.length > MAX_TAGS ? err(`there are more than ${MAX_TAGS} tags`) : ok(tags);
}

function onlyOf(values: JsonValue): string | undefined {
  const texts = textsOf(values);
  return texts?.length === 1 ? texts[0] : undefined;
}

function textsOf(value: JsonValue): readonly string[] | undefined {
  if (!isList(value)) return undefined;
  const texts = value.filter((one): one is string => typeof one === 'string');
  return texts.length === value.length ? texts : undefined;
}

function isList(value: JsonValue): value is readonly JsonValue[] {
  return Array.isArray(value);
}

/** A second opinion on an API server's answer to a TokenReview: whether it confirms, refuses, or says nothing that can be used. */
import { isStrictObject } from './strict-json.ts';

interface Asked {
  readonly username: string;
  readonly uid: string;
  readonly audiences: readonly string[];
}

export function reviewOf(answer: Uint8Array, asked: Asked): 'confirms' | 'refuses' | 'useless' {
  const review = isStrictObject(answer);
  const status = review?.get('status');
  if (review?.get('apiVersion') !== 'authentication.k8s.io/v1' || review.get('kind') !== 'TokenReview')
    return 'useless';
  if (!(status instanceof Map)) return 'useless';
  const authenticated: unknown = status.get('authenticated') ?? (status.has('authenticated') ? null : false);
  if (authenticated === false) return 'refuses';
  const user: unknown = status.get('user');
  if (authenticated !== true || !(user instanceof Map)) return 'useless';
  const heard: unknown = status.get('audiences') ?? [];
  if (!Array.isArray(heard) || !heard.every((one) => typeof one === 'string')) return 'useless';
  if (user.get('username') !== asked.username || user.get('uid') !== asked.uid) return 'refuses';
  return heard.length === 0 || heard.some((one) => asked.audiences.includes(one)) ? 'confirms' : 'refuses';
}

/**
 * The properties: whatever comes in, what goes out is a refusal in the right dialect or a grant that a second opinion (`oracle/`) agrees with;
 * never a 5xx but where something that is asked is away, never a throw, never a long wait. Their shares are of a hundred.
 */
import type { FuzzProperty } from '../property.ts';
import { administration } from './administration.ts';
import { discovery } from './discovery.ts';
import { forms } from './forms.ts';
import { jsonBodies } from './json-bodies.ts';
import { pushes } from './pushes.ts';
import { shutOut } from './shut-out.ts';
import { singleUse } from './single-use.ts';
import { tokenReview } from './token-review.ts';
import { tokens } from './tokens.ts';
import { uploads } from './uploads.ts';

export const PROPERTIES: readonly FuzzProperty[] = [
  tokens,
  forms,
  jsonBodies,
  administration,
  uploads,
  discovery,
  pushes,
  singleUse,
  tokenReview,
  shutOut,
];

/** An empty table of routes. It has the plain router alone: the token endpoint is not asked through it, and the others not often. */
import type { Hono } from 'hono';
import { HonoBase } from 'hono/hono-base';
import { TrieRouter } from 'hono/router/trie-router';
import type { BlankEnv, Env } from 'hono/types';

export function newRoutes<E extends Env = BlankEnv>(): Hono<E> {
  return new HonoBase<E>({ router: new TrieRouter() });
}

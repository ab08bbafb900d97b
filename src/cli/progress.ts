/** Something to look at while work takes long: on a terminal one line that is rewritten, in a log nothing but what matters. */
import type { CliWorld } from './world.ts';

export interface Progress {
  /** What is being done now; the newest is shown. */
  say(text: string): void;
  /** The line goes. */
  end(): void;
}

const CLEAR_LINE = '\r\u001b[2K';
const SHOWN_EVERY_MS = 100;
/** Work that is over sooner shows nothing. */
const PATIENCE_MS = 300;

/** On stderr, so that what is piped on is the answer alone. */
export function startProgress({ stderr, nowMs }: Pick<CliWorld, 'stderr' | 'nowMs'>): Progress {
  if (!stderr.isTerminal) return { say: () => undefined, end: () => undefined };
  const startedMs = nowMs();
  let shownMs = startedMs + PATIENCE_MS - SHOWN_EVERY_MS;
  let isShown = false;
  return {
    say(text) {
      const now = nowMs();
      if (now - shownMs < SHOWN_EVERY_MS) return;
      shownMs = now;
      isShown = true;
      const seconds = ((now - startedMs) / 1_000).toFixed(0);
      stderr.write(`${CLEAR_LINE}${text} (${seconds} s)`.slice(0, CLEAR_LINE.length + (stderr.width ?? 80) - 1));
    },
    end() {
      if (isShown) stderr.write(CLEAR_LINE);
    },
  };
}

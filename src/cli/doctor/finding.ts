/** What a check came to: good, or what is wrong and what to run. */

export interface Finding {
  /** A word for scripts, e.g. `wrong-kek`. */
  readonly check: string;
  readonly status: 'ok' | 'warning' | 'problem' | 'unknown';
  /** What it is about, where there are several. */
  readonly on?: string;
  readonly message: string;
  /** What mends it, a command or a sentence each. */
  readonly fix?: readonly string[];
}

export const good = (check: string, message: string): Finding => ({ check, status: 'ok', message });

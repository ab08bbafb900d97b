/** Everything a command touches besides the file system: handed in, so that each command says what it uses. */
import type { Fetch } from '../client/http.ts';

export interface Writer {
  write(text: string): void;
  readonly isTerminal: boolean;
  /** In columns; a file has none. */
  readonly width: number | undefined;
}

export interface Input {
  readonly isTerminal: boolean;
  /** All of it, to its end. */
  readAll(): Promise<string>;
  /** One line typed by a person, not shown while it is typed; undefined where he breaks off. */
  readHidden(prompt: string): Promise<string | undefined>;
}

export interface CliWorld {
  /** Asks brokers. Follows no redirect: a token goes where it was meant to and nowhere else. */
  readonly fetch: Fetch;
  readonly stdin: Input;
  readonly stdout: Writer;
  readonly stderr: Writer;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The folder that relative paths start from. */
  readonly cwd: string;
  /** The person's own folder. */
  readonly home: string;
  nowMs(): number;
  sleep(ms: number): Promise<void>;
  /** How the process ends unless a fault ends it otherwise. */
  exitCode: number;
}

/** What ends a command: thrown, because nothing after it can go on; caught in one place, which prints it. */
import { EXIT, type ExitCode } from './exit-codes.ts';

export class CliFault extends Error {
  readonly exitCode: ExitCode;
  /** More lines: what is wrong where, what to do next. */
  readonly lines: readonly string[];

  constructor(exitCode: ExitCode, message: string, lines: readonly string[] = []) {
    super(message);
    this.exitCode = exitCode;
    this.lines = lines;
  }
}

/** The person typed something that cannot be meant. */
export function usageFault(message: string, ...lines: readonly string[]): CliFault {
  return new CliFault(EXIT.usage, message, lines);
}

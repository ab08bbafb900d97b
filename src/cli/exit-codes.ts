/** How the command line ends, for scripts (docs/cli.md lists the same). */

export const EXIT = {
  ok: 0,
  /** The question was answered with no: refused, differences, findings. As `kubectl diff` does. */
  no: 1,
  /** The command or a file given to it is wrong; nothing was asked of the broker. */
  usage: 2,
  /** The broker refused: not signed in, no permission, a wrong value, a conflict. */
  refused: 3,
  /** What was named is not there. */
  notFound: 4,
  /** The broker, or what else had to be asked, did not answer: try again. */
  unavailable: 5,
  /** A fault of this program. */
  fault: 70,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

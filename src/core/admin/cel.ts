/** A fault in CEL, told to its writer with the place where it is. */
import { wrong, type Violations } from './fields.ts';

export function celViolation(
  field: string,
  fault: { readonly message: string; readonly line: number; readonly column: number },
): Violations {
  return wrong(field, `line ${fault.line}, column ${fault.column}: ${fault.message}`);
}

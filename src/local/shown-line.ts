/** Lines of the broker for a terminal: what tenants named is in them, and JSON keeps what paints, hides or turns the direction of writing. */

/** As JSON may spell it as well: whoever reads the line as JSON reads the same. */
export function shownLine(line: string): string {
  return line.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (character) =>
    Array.from({ length: character.length }, (_, at) => escaped(character.charCodeAt(at))).join(''),
  );
}

function escaped(unit: number): string {
  return `\\u${unit.toString(16).padStart(4, '0')}`;
}

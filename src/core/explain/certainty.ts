/** Three answers: yes, no, and what cannot be known of a principal of whom only the name was told. */
export type Certainty = 'yes' | 'no' | 'unknown';

export function certain(holds: boolean): Certainty {
  return holds ? 'yes' : 'no';
}

/** One `no` decides, whatever is not known. */
export function all(...parts: readonly Certainty[]): Certainty {
  if (parts.includes('no')) return 'no';
  return parts.includes('unknown') ? 'unknown' : 'yes';
}

/** One `yes` decides, whatever is not known. */
export function any(parts: readonly Certainty[]): Certainty {
  if (parts.includes('yes')) return 'yes';
  return parts.includes('unknown') ? 'unknown' : 'no';
}

export function not(part: Certainty): Certainty {
  if (part === 'unknown') return part;
  return certain(part === 'no');
}

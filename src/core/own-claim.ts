/** The one claim that is of the broker's own making, and read by nobody else. */
export const OWN_CLAIM = 'edge-sts';

/** A fault that the person at the terminal can mend: its message is one clear sentence. */
export class BrokerFault extends Error {}

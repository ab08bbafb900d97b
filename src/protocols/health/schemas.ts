/** The health answers as shapes, for the document of the API. */
import * as v from 'valibot';

export const ready = v.object({ status: v.literal('ok') });

export const unready = v.object({ status: v.literal('unavailable'), reason: v.string() });

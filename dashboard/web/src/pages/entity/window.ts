/** The time an entity page looks back on unless told otherwise, and the bars it is drawn in. */
export const ENTITY_SINCE = "7d";
export const ENTITY_BARS = 90;

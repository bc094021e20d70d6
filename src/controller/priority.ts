/** Of keys in the queue: what a start, a resync or a timer brings waits for people's edits and for what Heat has ended. */
export const BACKGROUND = -100;

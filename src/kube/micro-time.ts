/** A time as a V1MicroTime; the API server insists on six decimals. @param ms milliseconds since 1970 */
export function microTime(ms: number): string {
  return new Date(ms).toISOString().replace('Z', '000Z');
}

/** A time as Kubernetes writes it, to the second. @param ms since 1970 */
export function timestamp(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}

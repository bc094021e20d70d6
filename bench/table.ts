/** Lines with the cells of each column below each other: the first to the left, the others to the right. */
export function render(lines: readonly string[][]): string {
  const widths: number[] = [];
  for (const cells of lines) {
    if (cells.length < 2) continue; // a title
    for (const [at, cell] of cells.entries()) widths[at] = Math.max(widths[at] ?? 0, cell.length);
  }
  const pad = (cell: string, at: number): string =>
    at === 0 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0);
  return lines.map((cells) => `${cells.map(pad).join('  ').trimEnd()}\n`).join('');
}

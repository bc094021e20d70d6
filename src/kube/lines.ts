const LINE_FEED = 0x0a;

/**
 * Splits a stream of bytes into lines of text. A character that arrives in two pieces stays whole, because only
 * whole lines are decoded. Empty lines are skipped.
 *
 * @param maxBytes longest line that is held in memory
 * @param onTooLong gives the error to throw for a longer one
 * @param onTorn gives the error to throw when the stream ends inside a line
 */
export async function* readLines(
  stream: AsyncIterable<Buffer>,
  { maxBytes, onTooLong, onTorn }: { maxBytes: number; onTooLong: () => Error; onTorn: () => Error },
): AsyncGenerator<string> {
  let pieces: Buffer[] = [];
  let length = 0;
  for await (const chunk of stream) {
    let start = 0;
    for (let end = chunk.indexOf(LINE_FEED); end >= 0; end = chunk.indexOf(LINE_FEED, start)) {
      length += end - start;
      if (length > maxBytes) throw onTooLong();
      const rest = chunk.subarray(start, end);
      // Most lines come in one piece, which needn't be copied.
      const line = (pieces.length === 0 ? rest : Buffer.concat([...pieces, rest])).toString('utf8');
      start = end + 1;
      pieces = [];
      length = 0;
      if (line.trim() !== '') yield line;
    }
    if (start < chunk.length) {
      pieces.push(chunk.subarray(start));
      length += chunk.length - start;
      if (length > maxBytes) throw onTooLong();
    }
  }
  if (length > 0) throw onTorn();
}

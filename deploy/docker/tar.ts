/** A file, directory or symbolic link in an archive. */
export type TarEntry = { path: string; mode: number } & (
  | { type: 'file'; content: Uint8Array }
  | { type: 'directory' }
  | { type: 'link'; target: string }
);

const BLOCK = 512;
const TYPE_FLAGS = { file: '0', link: '2', directory: '5' } as const;

/**
 * A tar archive (POSIX ustar) of entries, all owned by root and as old as the epoch: the same entries always give the
 * same bytes.
 *
 * @returns parts of the archive, in order
 * @throws Error for a path of more than 100 bytes
 */
export function tar(entries: readonly TarEntry[]): Uint8Array[] {
  const parts = entries.flatMap((entry) => {
    if (entry.type !== 'file') return [header(entry, 0)];
    const { length } = entry.content;
    return [header(entry, length), entry.content, Buffer.alloc((BLOCK - (length % BLOCK)) % BLOCK)];
  });
  return [...parts, Buffer.alloc(2 * BLOCK)];
}

function header(entry: TarEntry, size: number): Buffer {
  const block = Buffer.alloc(BLOCK);
  const text = (value: string, offset: number, length: number) => {
    if (Buffer.byteLength(value) > length) throw new Error(`too long for a tar archive: ${value}`);
    block.write(value, offset);
  };
  const octal = (value: number, offset: number, length: number) =>
    text(`${value.toString(8).padStart(length - 1, '0')}\0`, offset, length);
  text(entry.path, 0, 100);
  octal(entry.mode, 100, 8);
  octal(0, 108, 8); // user
  octal(0, 116, 8); // group
  octal(size, 124, 12);
  octal(0, 136, 12); // time of the last change
  text(TYPE_FLAGS[entry.type], 156, 1);
  if (entry.type === 'link') text(entry.target, 157, 100);
  text('ustar\x0000', 257, 8);
  // The checksum counts its own field as spaces.
  block.fill(' ', 148, 156);
  const sum = block.reduce((total, byte) => total + byte, 0);
  text(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 8);
  return block;
}

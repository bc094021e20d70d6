import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readLines } from './lines.ts';

async function read(chunks: Iterable<Buffer>, maxBytes = 1000): Promise<string[]> {
  async function* stream() {
    yield* chunks;
  }
  const lines: string[] = [];
  const options = { maxBytes, onTooLong: () => new Error('too long'), onTorn: () => new Error('torn') };
  for await (const line of readLines(stream(), options)) lines.push(line);
  return lines;
}

test('gives the same lines however the bytes are cut', async () => {
  const line = fc
    .string({ unit: 'grapheme', minLength: 1 })
    .filter((text) => !/\n/.test(text) && text.trim() !== '');
  await fc.assert(
    fc.asyncProperty(fc.array(line), fc.array(fc.nat(300)), async (lines, cuts) => {
      const bytes = Buffer.from(lines.map((text) => `${text}\n`).join(''));
      const positions = [0, ...cuts.filter((cut) => cut < bytes.length).sort((a, b) => a - b), bytes.length];
      const chunks = positions.slice(1).map((end, i) => bytes.subarray(positions[i], end));
      expect(await read(chunks)).toEqual(lines);
    }),
  );
});

test('skips empty lines', async () => {
  expect(await read([Buffer.from('\n\na\r\n \nb\n')])).toEqual(['a\r', 'b']);
});

test('a stream that ends inside a line is torn', async () => {
  await expect(read([Buffer.from('a\nb')])).rejects.toThrow('torn');
});

test.each([
  ['whole', ['x'.repeat(11), '\n']],
  ['in one piece with its end', [`${'x'.repeat(11)}\n`]],
  ['in pieces', ['x'.repeat(6), 'x'.repeat(6)]],
])('a line over the limit is refused, %s', async (_name, chunks) => {
  await expect(
    read(
      chunks.map((chunk) => Buffer.from(chunk)),
      10,
    ),
  ).rejects.toThrow('too long');
});

test('a line of just the limit is not', async () => {
  expect(await read([Buffer.from(`${'x'.repeat(10)}\n`)], 10)).toEqual(['x'.repeat(10)]);
});

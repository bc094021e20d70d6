import { closeSync, openSync, readSync, statSync } from 'node:fs';
import { StringDecoder } from 'node:string_decoder';

/** A line of the operator's log. */
export interface LogLine {
  level: number;
  msg: string;
  key?: string;
  service?: 'identity' | 'orchestration';
  method?: string;
  route?: string;
  status?: number;
  [field: string]: unknown;
}

/** A log of JSON lines that grows. Scenarios look at it again and again, so each line is read and parsed once. */
export class LogFile {
  readonly #path: string;
  readonly #lines: LogLine[] = [];
  readonly #decoder = new StringDecoder('utf8');
  #size = 0;
  /** The line that is being written. */
  #rest = '';

  constructor(path: string) {
    this.#path = path;
  }

  /** All lines so far. What isn't JSON is left out, and so is the line that is being written. */
  lines(): LogLine[] {
    const [last = '', ...lines] = (this.#rest + this.#more()).split('\n').reverse();
    this.#rest = last;
    for (const line of lines.reverse()) {
      try {
        this.#lines.push(JSON.parse(line) as LogLine);
      } catch {
        // what Node says when it ends by an error
      }
    }
    return [...this.#lines];
  }

  #more(): string {
    const size = statSync(this.#path, { throwIfNoEntry: false })?.size ?? 0;
    if (size <= this.#size) return '';
    const chunk = Buffer.alloc(size - this.#size);
    const file = openSync(this.#path, 'r');
    try {
      const length = readSync(file, chunk, 0, chunk.length, this.#size);
      this.#size += length;
      return this.#decoder.write(chunk.subarray(0, length));
    } finally {
      closeSync(file);
    }
  }
}

import { styleText } from 'node:util';

export type Style = Parameters<typeof styleText>[0];

const SPINNER = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
const FRAME_MS = 100;
/** Of a terminal that doesn't tell its height. */
const DEFAULT_ROWS = 24;

const ESC = '\x1b[';
const HIDE_CURSOR = `${ESC}?25l`;
const SHOW_CURSOR = `${ESC}?25h`;
/** A line that is too long is cut by the terminal while it is off, so that a row stays a row. */
const WRAP_OFF = `${ESC}?7l`;
const WRAP_ON = `${ESC}?7h`;
const CLEAR_LINE = `${ESC}K`;
const CLEAR_BELOW = `${ESC}J`;
const up = (lines: number): string => (lines > 0 ? `${ESC}${lines}A` : '');

/** What {@link Screen} needs of `process.stdout`. */
export type Output = NodeJS.WritableStream & { isTTY?: boolean; rows?: number };

/** Writes the demo's pages: headings, commands with their output, and parts that are redrawn on a terminal. */
export class Screen {
  readonly #out: Output;
  readonly #env: NodeJS.ProcessEnv;
  #section = 0;

  constructor(out: Output, env: NodeJS.ProcessEnv) {
    this.#out = out;
    this.#env = env;
  }

  /** Whether lines can be redrawn in place. */
  get redraws(): boolean {
    return this.#out.isTTY === true && this.#env['TERM'] !== 'dumb';
  }

  /** Colours a text, if the output shows colours and NO_COLOR doesn't forbid them. */
  style(style: Style, text: string): string {
    // Types know no stream without all of Node's own; it looks at isTTY and the environment only.
    return styleText(style, text, { stream: this.#out as NodeJS.WriteStream });
  }

  /** Begins a section. */
  section(title: string): void {
    this.#section += 1;
    this.line();
    this.line(this.style(['bold', 'cyan'], `${this.#section}. ${title}`));
  }

  line(text = ''): void {
    this.#out.write(`${text}\n`);
  }

  /** A line of a section. */
  say(text: string): void {
    this.line(text === '' ? '' : `  ${text}`);
  }

  /** Something that is done. */
  done(text: string): void {
    this.say(`${this.style('green', '✓')} ${text}`);
  }

  /** A command that is about to run. */
  command(text: string): void {
    this.say(`${this.style('dim', '$')} ${this.style('bold', text)}`);
  }

  /** Begins a part that is redrawn in place; where that can't be, nothing is shown. End it before anything else is written. */
  live(): Live {
    return new Live(this.redraws ? this.#out : undefined);
  }

  /** Makes the terminal as it was, whatever part was being drawn. */
  restore(): void {
    if (this.redraws) this.#out.write(`${WRAP_ON}${SHOW_CURSOR}`);
  }
}

/** Lines that are redrawn in place, with a spinner that turns. */
export class Live {
  readonly #out: Output | undefined;
  #draw: (spinner: string) => string[] = () => [];
  #drawn = 0;
  #frame = 0;
  #ticker: NodeJS.Timeout | undefined;

  constructor(out: Output | undefined) {
    this.#out = out;
  }

  /** Shows lines from now on. `draw` is called for every turn of the spinner. */
  show(draw: (spinner: string) => string[]): void {
    if (!this.#out) return;
    this.#draw = draw;
    if (!this.#ticker) {
      this.#out.write(HIDE_CURSOR);
      this.#ticker = setInterval(() => this.#redraw(), FRAME_MS);
    }
    this.#redraw();
  }

  /** Stops redrawing; what was shown last stays, or `final` instead. */
  end(final?: string[]): void {
    if (!this.#out || !this.#ticker) return;
    clearInterval(this.#ticker);
    this.#ticker = undefined;
    if (final) this.#write(final);
    this.#out.write(SHOW_CURSOR);
    this.#drawn = 0;
  }

  #redraw(): void {
    this.#frame += 1;
    const lines = this.#draw(SPINNER[this.#frame % SPINNER.length] ?? '');
    // What has left the screen can't be redrawn.
    const room = (this.#out?.rows || DEFAULT_ROWS) - 1;
    const shown =
      lines.length <= room
        ? lines
        : [...lines.slice(0, room - 1), `  … ${lines.length - room + 1} more lines`];
    this.#write(shown);
  }

  #write(lines: readonly string[]): void {
    const text = lines.map((line) => `${line}${CLEAR_LINE}\n`).join('');
    this.#out?.write(`${up(this.#drawn)}${WRAP_OFF}${text}${CLEAR_BELOW}${WRAP_ON}`);
    this.#drawn = lines.length;
  }
}

/** Something that ended the demo. The message is one line: what failed, where, and what cures it. */
export class DemoError extends Error {
  override readonly name = 'DemoError';
  /** Lines that help to understand it, such as the end of a log. */
  readonly details: readonly string[];

  constructor(message: string, details: readonly string[] = []) {
    super(message);
    this.details = details;
  }
}

/** Somebody wants the demo to end. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted';

  /** @param by what or who ended it, such as SIGINT */
  constructor(by: string) {
    super(`stopped by ${by}; nothing is left running`);
  }
}

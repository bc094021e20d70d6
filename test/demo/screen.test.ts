import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { type Output, Screen } from './screen.ts';

function terminal(env: NodeJS.ProcessEnv, properties: { isTTY: boolean; rows?: number }) {
  const out: Output = Object.assign(new PassThrough({ encoding: 'utf8' }), properties);
  return { screen: new Screen(out, env), written: () => String((out as PassThrough).read() ?? '') };
}

describe('the screen', () => {
  it('writes no control sequence where nothing can be redrawn', () => {
    for (const [env, isTTY] of [
      [{ TERM: 'xterm' }, false],
      [{ TERM: 'dumb' }, true],
    ] as const) {
      const { screen, written } = terminal(env, { isTTY });
      const live = screen.live();
      live.show(() => ['never seen']);
      live.end(['never seen']);
      screen.line('seen');
      screen.restore();
      expect(written()).toBe('seen\n');
    }
  });

  it('redraws over what it drew, and keeps to the height of the terminal', () => {
    const { screen, written } = terminal({ TERM: 'xterm' }, { isTTY: true, rows: 4 });
    const live = screen.live();
    live.show(() => ['one', 'two', 'three', 'four']);
    const first = written();
    expect(first).toContain('two');
    expect(first).toContain('… 2 more lines');
    expect(first).not.toContain('four');
    live.end(['one', 'two', 'three', 'four']);
    const last = written();
    expect(last).toContain('\x1b[3A');
    expect(last).toContain('four');
    expect(last).toContain('\x1b[?25h');
  });
});

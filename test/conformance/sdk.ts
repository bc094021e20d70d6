import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { isJsonObject, type Json, type JsonObject, parseJson } from '../../src/json.ts';
import { spawnGuarded } from '../testbed/guard.ts';

/** One call for openstacksdk; see sdk.py. */
export interface SdkCall {
  cloud: string;
  /** Where its requests to Heat go. */
  endpoint: string;
  /** Python. */
  code: string;
  /** What the code finds as variables. */
  given: object;
}

/** The Python process that calls openstacksdk. */
export class Sdk {
  readonly #process: ChildProcess;
  readonly #waiting = new Map<number, (answer: JsonObject) => void>();
  readonly #ended: Promise<never>;
  #calls = 0;

  /**
   * @param python the interpreter of the environment that has openstacksdk
   * @param cloudsFile a clouds.yaml
   * @param logFile gets what Python says on standard error
   */
  constructor(python: { guard: string; environment: string }, cloudsFile: string, logFile: string) {
    const log = openSync(logFile, 'a', 0o600);
    const program = fileURLToPath(new URL('./sdk.py', import.meta.url));
    this.#process = spawnGuarded(python.guard, python.environment, [program], {
      stdio: ['pipe', 'pipe', log],
      env: { ...process.env, OS_CLIENT_CONFIG_FILE: cloudsFile, PYTHONWARNINGS: 'ignore' },
    });
    closeSync(log);
    this.#ended = once(this.#process, 'exit').then(() => {
      throw new Error(`the Python process of openstacksdk ended; its log: ${logFile}`);
    });
    this.#ended.catch(() => undefined);
    if (this.#process.stdout) {
      createInterface({ input: this.#process.stdout }).on('line', (line) => {
        const answer = parseJson(line);
        if (isJsonObject(answer)) this.#waiting.get(Number(answer['id']))?.(answer);
      });
    }
  }

  /** Runs a piece of Python; answers `{value}`, or `{error, status, message}` for an exception. */
  async call(call: SdkCall): Promise<Json> {
    this.#calls += 1;
    const id = this.#calls;
    const answered = new Promise<JsonObject>((resolve) => {
      this.#waiting.set(id, resolve);
    });
    this.#process.stdin?.write(`${JSON.stringify({ id, ...call })}\n`);
    const { id: _id, ...answer } = await Promise.race([answered, this.#ended]);
    this.#waiting.delete(id);
    return answer;
  }

  close(): void {
    this.#process.kill('SIGKILL');
  }
}

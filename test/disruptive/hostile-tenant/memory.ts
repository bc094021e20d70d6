import { readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

const MIB = 1024;

/** Memory of a process as Linux counts it, in MiB. */
export class ProcessMemory {
  readonly #pid: number;

  constructor(pid: number) {
    this.#pid = pid;
  }

  /** What it has now. */
  get now(): number {
    return this.#read('VmRSS');
  }

  /** The most it had since {@link forgetPeak}. */
  get peak(): number {
    return this.#read('VmHWM');
  }

  forgetPeak(): void {
    writeFileSync(`/proc/${this.#pid}/clear_refs`, '5');
  }

  /** Waits until it is about the same for a second, and returns it. */
  async settled(): Promise<number> {
    for (let before = this.now; ; before = this.now) {
      await sleep(1000);
      if (Math.abs(this.now - before) < 1) return this.now;
    }
  }

  #read(field: string): number {
    const status = readFileSync(`/proc/${this.#pid}/status`, 'utf8');
    const kib = new RegExp(`^${field}:\\s*(\\d+) kB$`, 'm').exec(status)?.[1];
    if (kib === undefined) throw new Error(`process ${this.#pid} has no ${field}; is it gone?`);
    return Number(kib) / MIB;
  }
}

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as v from 'valibot';
import { stringify } from 'yaml';
import { bed, eventually } from '../../support/scenario.ts';
import { freePorts } from '../../testbed/ports.ts';

const texts = v.record(v.string(), v.string());
const resultSchema = v.object({ data: v.object({ result: v.array(v.object({ metric: texts })) }) });
const alertsSchema = v.object({
  data: v.object({
    alerts: v.array(v.object({ labels: texts, annotations: texts, state: v.string() })),
  }),
});
const rulesSchema = v.object({
  data: v.object({
    groups: v.array(v.object({ rules: v.array(v.object({ name: v.string(), health: v.string() })) })),
  }),
});

/** An alert that is pending or firing. */
export type ActiveAlert = v.InferOutput<typeof alertsSchema>['data']['alerts'][number];

/** A Prometheus that scrapes and evaluates every second. */
export class PrometheusServer {
  readonly #address: string;
  readonly #process: ChildProcess;

  private constructor(address: string, child: ChildProcess) {
    this.#address = address;
    this.#process = child;
  }

  /**
   * Resolves when it answers.
   *
   * @param scrapeConfigs as in Prometheus' configuration
   * @param rules a file of rules
   */
  static async start(scrapeConfigs: object[], rules: string): Promise<PrometheusServer> {
    const folder = await mkdtemp(join(tmpdir(), 'heatstack-prometheus-'));
    const { prometheus = 'prometheus', artifacts = folder } = bed();
    const [port] = await freePorts(1);
    const address = `127.0.0.1:${port}`;
    await writeFile(join(folder, 'rules.yaml'), rules);
    const global = { scrape_interval: '1s', evaluation_interval: '1s' };
    const config = { global, rule_files: ['rules.yaml'], scrape_configs: scrapeConfigs };
    await writeFile(join(folder, 'prometheus.yaml'), stringify(config));
    const log = openSync(join(artifacts, 'prometheus.log'), 'a');
    const child = spawn(
      prometheus,
      [
        `--config.file=${join(folder, 'prometheus.yaml')}`,
        `--storage.tsdb.path=${join(folder, 'data')}`,
        `--web.listen-address=${address}`,
      ],
      { stdio: ['ignore', log, log] },
    );
    closeSync(log);
    const server = new PrometheusServer(`http://${address}`, child);
    await eventually(
      async () => {
        if (child.exitCode !== null) throw new Error(`Prometheus ended: ${artifacts}/prometheus.log`);
        return fetch(`http://${address}/-/ready`).then(
          ({ ok }) => ok,
          () => false,
        );
      },
      () => 'Prometheus is not ready',
    );
    return server;
  }

  /** Labels of the series that a query finds. */
  async query(query: string): Promise<Record<string, string>[]> {
    const answer = await this.#get(`query?query=${encodeURIComponent(query)}`);
    return v.parse(resultSchema, answer).data.result.map(({ metric }) => metric);
  }

  async alerts(): Promise<ActiveAlert[]> {
    return v.parse(alertsSchema, await this.#get('alerts')).data.alerts;
  }

  /** How the evaluation of each rule goes, by its name. */
  async health(): Promise<[name: string, health: string][]> {
    const { groups } = v.parse(rulesSchema, await this.#get('rules')).data;
    return groups.flatMap(({ rules }) => rules).map(({ name, health }) => [name, health]);
  }

  /** Waits until an alert with these labels fires. */
  async firing(alertname: string, labels: Record<string, string> = {}): Promise<ActiveAlert> {
    let active: ActiveAlert[] = [];
    let found: ActiveAlert | undefined;
    const wanted = Object.entries({ alertname, ...labels });
    await eventually(
      async () => {
        active = await this.alerts();
        found = active.find(
          (alert) =>
            alert.state === 'firing' && wanted.every(([label, value]) => alert.labels[label] === value),
        );
        return found !== undefined;
      },
      () =>
        `${alertname} does not fire: ${JSON.stringify(active.map(({ labels, state }) => ({ ...labels, state })))}`,
    );
    if (found === undefined) throw new Error(`${alertname} does not fire`);
    return found;
  }

  /** Waits until no alert of this name is pending or firing. */
  async quiet(alertname: string): Promise<void> {
    await eventually(
      async () => (await this.alerts()).every(({ labels }) => labels['alertname'] !== alertname),
      () => `${alertname} is still there`,
    );
  }

  async stop(): Promise<void> {
    if (this.#process.exitCode !== null) return;
    this.#process.kill();
    await once(this.#process, 'exit');
  }

  async #get(path: string): Promise<unknown> {
    const answer = await fetch(`${this.#address}/api/v1/${path}`);
    if (!answer.ok) throw new Error(`Prometheus: ${path}: ${await answer.text()}`);
    return answer.json();
  }
}

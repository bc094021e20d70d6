import { CHOSEN, type Figure, type Graph, ROWS } from './rows.ts';

const PROMETHEUS = { type: 'prometheus', uid: '$datasource' };
const FIGURE_HEIGHT = 4;
const GRAPH_HEIGHT = 8;
const COLUMNS = 24;

/** The panels with their places. */
function layOut(): object[] {
  const panels: object[] = [];
  let y = 0;
  for (const [title, row] of Object.entries(ROWS)) {
    const place = { x: 0, y, w: COLUMNS, h: 1 };
    panels.push({ id: panels.length + 1, type: 'row', title, collapsed: false, gridPos: place, panels: [] });
    y += 1;
    let x = 0;
    for (const panel of row) {
      const h = panel.kind === 'figure' ? FIGURE_HEIGHT : GRAPH_HEIGHT;
      panels.push({ id: panels.length + 1, ...panelOf(panel), gridPos: { x, y, w: panel.width, h } });
      x += panel.width;
      if (x >= COLUMNS) {
        x = 0;
        y += h;
      }
    }
  }
  return panels;
}

function panelOf(panel: Graph | Figure): object {
  const { title, description, queries } = panel;
  const targets = queries.map(([expr, legendFormat], index) => ({
    refId: String.fromCharCode('A'.charCodeAt(0) + index),
    datasource: PROMETHEUS,
    editorMode: 'code',
    range: true,
    expr,
    legendFormat,
  }));
  const common = { title, description, datasource: PROMETHEUS, targets };
  return panel.kind === 'figure'
    ? { type: 'stat', ...common, ...figureLook(panel) }
    : { type: 'timeseries', ...common, ...graphLook(panel) };
}

function figureLook({ unit, limit }: Figure): object {
  const steps = [{ color: limit ? 'green' : 'text', value: null }, ...(limit ? [limit] : [])];
  return {
    fieldConfig: {
      defaults: { unit, min: 0, color: { mode: 'thresholds' }, thresholds: { mode: 'absolute', steps } },
      overrides: [],
    },
    options: {
      colorMode: 'value',
      graphMode: 'area',
      reduceOptions: { calcs: ['lastNotNull'], fields: '', values: false },
      textMode: 'auto',
    },
  };
}

function graphLook({ unit, stacked, stepped, max }: Graph): object {
  const custom = {
    lineWidth: 1,
    fillOpacity: stacked ? 20 : 5,
    showPoints: 'never',
    ...(stacked && { stacking: { mode: 'normal', group: 'A' } }),
    ...(stepped && { lineInterpolation: 'stepAfter' }),
  };
  return {
    fieldConfig: {
      defaults: {
        unit,
        min: 0,
        ...(max !== undefined && { max }),
        color: { mode: 'palette-classic' },
        custom,
      },
      overrides: [],
    },
    options: {
      legend: { displayMode: 'table', placement: 'bottom', showLegend: true, calcs: ['lastNotNull', 'max'] },
      tooltip: { mode: 'multi', sort: 'desc' },
    },
  };
}

/**
 * A choice of values of a label, of those that the choices before leave.
 *
 * @param all what stands for all of them; `.+` leaves out what hasn't the label
 */
function variable(name: string, label: string, before: string, all: '.*' | '.+'): object {
  const query = `label_values(heatstack_watch_lists_total${before}, ${name})`;
  return {
    ...{
      name,
      label,
      type: 'query',
      datasource: PROMETHEUS,
      query: { query, refId: name },
      definition: query,
    },
    ...{
      refresh: 2,
      sort: 1,
      multi: true,
      includeAll: true,
      allValue: all,
      regex: '',
      hide: 0,
      options: [],
    },
    current: { text: 'All', value: '$__all' },
  };
}

/** The dashboard as Grafana imports it. */
export function dashboard(): object {
  return {
    uid: 'heatstack-operator',
    title: 'HeatStack operator',
    description: 'HeatStacks, and the operators that bring up their stacks in OpenStack Heat.',
    tags: ['heatstack', 'openstack', 'kubernetes'],
    schemaVersion: 39,
    version: 1,
    editable: true,
    graphTooltip: 1,
    refresh: '1m',
    time: { from: 'now-6h', to: 'now' },
    // What each person has chosen.
    timezone: '',
    annotations: {
      list: [
        {
          name: 'Alerts',
          datasource: PROMETHEUS,
          enable: true,
          iconColor: 'red',
          expr: `ALERTS{alertname=~"HeatStack.+", alertstate="firing", ${CHOSEN}}`,
          titleFormat: '{{alertname}}',
          textFormat: '{{reason}} {{api}} {{resource}}',
          step: '60s',
        },
      ],
    },
    templating: {
      list: [
        {
          ...{ name: 'datasource', label: 'Data source', type: 'datasource', query: 'prometheus' },
          ...{ current: {}, hide: 0, includeAll: false, multi: false, options: [], refresh: 1, regex: '' },
        },
        // A Prometheus for one cluster has no such label.
        variable('cluster', 'Cluster', '', '.*'),
        variable('namespace', "Operator's namespace", '{cluster=~"$cluster"}', '.+'),
        variable('job', 'Job', '{cluster=~"$cluster", namespace=~"$namespace"}', '.+'),
      ],
    },
    panels: layOut(),
  };
}

/**
 * Writes the Grafana dashboard of the chart, files/dashboard.json. With `--check` writes nothing and fails when it is stale.
 *
 *     node deploy/helm/dashboard/main.ts [--check]
 */
import { fileURLToPath } from 'node:url';
import { writeGenerated } from '../../../crds/generated-files.ts';
import { dashboard } from './grafana.ts';

const file = fileURLToPath(new URL('../heatstack-operator/files/dashboard.json', import.meta.url));
await writeGenerated([[file, `${JSON.stringify(dashboard(), null, 2)}\n`]], 'deploy/helm/dashboard/rows.ts');

// `npm run image`: the operator's image without a registry and without a tool that builds images.
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { VERSION } from '../../src/version.ts';
import { bundle } from '../bundle/bundle.ts';
import { writeOperatorImage } from './image.ts';

const DIST = fileURLToPath(new URL('../../dist', import.meta.url));
const NAME = `docker.io/library/heatstack-operator:${VERSION}`;

const bundled = await bundle(join(DIST, 'bundle'));
const file = join(DIST, 'heatstack-operator-image.tar');
const digest = await writeOperatorImage(file, NAME, { version: VERSION, ...bundled });
process.stdout.write(`${file}\n${NAME}@${digest}\n`);

import { fileURLToPath } from 'node:url';
import { bundle } from './bundle.ts';

const { program, licenses } = await bundle(fileURLToPath(new URL('../../dist/bundle', import.meta.url)));
process.stdout.write(`${program}\n${licenses}\n`);

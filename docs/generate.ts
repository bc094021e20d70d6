/**
 * Writes docs/openstack-errors.md from the registry of errors, and the list of calls in docs/openstack.md from the
 * client's doc comments and tested examples. With `--check` writes nothing and fails when a page is stale.
 *
 *     node docs/generate.ts [--check]
 */
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { writeGenerated } from '../crds/generated-files.ts';
import { createError, ERRORS, type RegisteredCode } from '../src/openstack/errors.ts';
import { callsPage } from './openstack-calls.ts';

const pathOf = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

/** The classes that an error of a code is of, from the most general one. */
function classesOf(code: RegisteredCode): string[] {
  const names: string[] = [];
  for (
    let type: unknown = createError(code, '').constructor;
    typeof type === 'function' && type !== Error;
    type = Object.getPrototypeOf(type)
  ) {
    names.unshift(type.name);
  }
  return names;
}

function errorsPage(): string {
  const codes = Object.keys(ERRORS) as RegisteredCode[];
  const rows = codes.map((code) => {
    const { meaning, cure, retryable } = ERRORS[code];
    const [, ...classes] = classesOf(code);
    return `| \`${code}\` | ${classes.map((name) => `\`${name}\``).join(' › ')} | ${retryable ? 'yes' : 'no'} | ${meaning} | ${cure} |`;
  });
  return `<!-- GENERATED from src/openstack/errors.ts by docs/generate.ts: change that file, not this one. -->
# Errors of the client

Every failure of \`heatstack-operator/openstack\` is an \`OpenStackError\`. Its \`code\` is stable; what stands before a dot
is a family with a class of its own, and what follows \`BadRequest.\` is Heat's \`error.type\`, also one that isn't listed.

\`\`\`ts
import { Conflict, isOpenStackError } from 'heatstack-operator/openstack';

try {
  await heat.createStack({ name: 'web', template });
} catch (error) {
  if (isOpenStackError(error, 'Conflict.StackExists')) console.log('there already');
  else if (error instanceof Conflict) console.log('something is in the way:', error.message);
  else throw error;
}
\`\`\`

| member | |
|---|---|
| \`code\` | one of the table below |
| \`retryable\` | whether the same call may succeed later though nobody changes anything on this side |
| \`notSent\` | true: nothing of the request reached a server, so that even a create may be repeated |
| \`status\`, \`type\` | HTTP status of the answer, and Heat's \`error.type\` |
| \`requestId\` | the id under which the service logged the request; the one that was sent when there was no answer |
| \`retryAfterMs\` | how long the service asked to wait, in milliseconds |
| \`detail\` | the service's own text. It may quote inputs, secret ones too, and \`message\` contains it |
| \`cause\` | what it came from |

| code | class | retryable | meaning | cure |
|---|---|---|---|---|
${rows.join('\n')}
`;
}

/** The page about the client, with the list of calls between its two marks made anew. */
async function clientPage(): Promise<string> {
  const page = await readFile(pathOf('openstack.md'), 'utf8');
  const [source, tests] = await Promise.all(
    ['../src/openstack/orchestration.ts', '../src/openstack/examples.test.ts'].map((name) =>
      readFile(pathOf(name), 'utf8'),
    ),
  );
  const marks = /(?<=<!-- GENERATED[^\n]*-->\n)[\s\S]*(?=<!-- END OF GENERATED -->)/;
  if (!marks.test(page)) throw new Error('docs/openstack.md has lost its marks');
  return page.replace(marks, () => `\n${callsPage(source ?? '', tests ?? '')}\n\n`);
}

const files = [
  [pathOf('openstack-errors.md'), errorsPage()],
  [pathOf('openstack.md'), await clientPage()],
] as const;
await writeGenerated(files, 'the source');

/** The calls of the client with their doc comments and examples, as docs/openstack.md lists them. */

/** One public method of the class. */
interface Call {
  section: string;
  name: string;
  /** Paragraphs and tags of each doc comment: an overload may have its own. */
  comments: string[];
  signatures: string[];
}

/**
 * The public methods of `HeatOrchestration`, read from its source.
 *
 * @throws Error when one of them has no doc comment.
 */
function callsOf(source: string): Call[] {
  const calls: Call[] = [];
  let section = '';
  let comment: string | undefined;
  const lines = source.slice(source.indexOf('export class HeatOrchestration {')).split('\n');
  for (let at = 0; at < lines.length; at += 1) {
    const line = lines[at] ?? '';
    if (line === '}') break;
    const heading = /^ {2}\/\/ (.+)$/.exec(line)?.[1];
    if (heading) section = heading;
    if (/^ {2}\/\*\*/.test(line)) {
      const start = at;
      while (!lines[at]?.includes('*/')) at += 1;
      comment = lines.slice(start, at + 1).join('\n');
      continue;
    }
    const name = /^ {2}(?:async )?\*?(?<name>[a-z]\w*)[(<]/.exec(line)?.groups?.['name'];
    if (name && name !== 'constructor') {
      const start = at;
      while (!/[;{]$/.test(lines[at] ?? '')) at += 1;
      const signature = lines.slice(start, at + 1).join('\n');
      let call = calls.find((other) => other.name === name);
      if (!call) {
        call = { section, name, comments: [], signatures: [] };
        calls.push(call);
      }
      if (comment) call.comments.push(comment);
      if (call.comments.length === 0) throw new Error(`${name}() has no doc comment`);
      // The implementation of overloads is nobody's to call.
      if (call.signatures.length === 0 || signature.endsWith(';')) call.signatures.push(signature);
      comment = undefined;
    }
  }
  return calls;
}

/** The examples of a test file by their names: what stands between `#example NAME` and `#end`. */
function examplesOf(source: string): Map<string, string[]> {
  const examples = new Map<string, string[]>();
  for (const [, name = '', code = ''] of source.matchAll(
    /^ *\/\/ #example (\w+)\n([\s\S]*?)^ *\/\/ #end$/gm,
  )) {
    examples.set(name, [...(examples.get(name) ?? []), dedent(code)]);
  }
  return examples;
}

/**
 * The list of calls in Markdown.
 *
 * @throws Error for a call without an example, and for an example of what is no call.
 */
export function callsPage(source: string, tests: string): string {
  const calls = callsOf(source);
  const examples = examplesOf(tests);
  for (const name of examples.keys()) {
    if (!calls.some((call) => call.name === name)) throw new Error(`the example ${name} is of no call`);
  }
  let section = '';
  const parts: string[] = [];
  for (const call of calls) {
    if (call.section !== section) {
      section = call.section;
      parts.push(`## ${section}`);
    }
    const example = examples.get(call.name);
    if (!example) throw new Error(`${call.name}() has no example: add one to src/openstack/examples.test.ts`);
    parts.push(
      `### ${call.name}`,
      code(call.signatures.map(signatureText).join('\n')),
      ...call.comments.map(commentText),
      code(example.join('\n')),
    );
  }
  return parts.join('\n\n');
}

const code = (text: string): string => `\`\`\`ts\n${text.trimEnd()}\n\`\`\``;

function signatureText(text: string): string {
  return dedent(text)
    .replace(/^async /, '')
    .replace(/^\*/, '')
    .replace(/ ?[;{]$/, '');
}

/** A doc comment as Markdown: its text, and its tags as a list. */
function commentText(comment: string): string {
  const text = comment
    .replace(/^ *\/\*\* ?|\s*\*\/$/g, '')
    .replace(/^ *\* ?/gm, '')
    .replace(/\{@link (\w+)\}/g, '`$1`')
    // The page has examples of its own.
    .replace(/@example[\s\S]*$/, '')
    .replace(/\s*@(param|returns|throws) ?/g, (_match, tag: string) => `\n@${tag} `);
  const [about = '', ...tags] = text.split(/\n@(?=param|returns|throws)/);
  const list = tags.map((tag) => {
    const words = tag.replace(/\s+/g, ' ').trim();
    return `- ${words
      .replace(/^param (?:options\.|query\.|attributes\.)?(\w+)/, '`$1`:')
      .replace(/^returns/, 'Gives')
      .replace(/^throws OpenStackError/, 'Throws')}`;
  });
  return [about.trim(), list.join('\n')].filter((part) => part !== '').join('\n\n');
}

function dedent(text: string): string {
  const lines = text.split('\n');
  const indents = lines.filter((line) => line.trim() !== '').map((line) => line.search(/\S/));
  const indent = Math.min(...indents);
  return lines.map((line) => line.slice(indent)).join('\n');
}

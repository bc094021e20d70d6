/**
 * The path of a request to the API server with its names left out, as `/apis/GROUP/VERSION/namespaces/{namespace}/PLURAL/{name}`:
 * there are only as many as there are kinds.
 */
export function routeOf(path: string): string {
  const parts = path.split('/').slice(1);
  const rest = parts.splice(parts[0] === 'apis' ? 3 : 2);
  // `namespaces/NAME` is a namespace itself.
  if (rest[0] === 'namespaces' && rest.length > 2)
    parts.push('namespaces', '{namespace}', ...named(rest.slice(2)));
  else parts.push(...named(rest));
  return `/${parts.join('/')}`;
}

/** Of a plural, maybe a name, and maybe a subresource. */
function named([plural, name, ...rest]: string[]): string[] {
  return [...(plural === undefined ? [] : [plural]), ...(name === undefined ? [] : ['{name}']), ...rest];
}
